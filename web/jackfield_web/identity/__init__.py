"""Who asks, and whether they may. What a route has to do with it:

- It declares the right it takes, from `jackfield.identity.roles`: `@get(..., opt=needs("read"))`, or `opt = needs(…)`
  on a controller for all of its routes; `opt=PUBLIC` lets everybody in. A route that declares nothing cannot be
  registered. A mount's route declares it likewise.
- It learns who asks by the dependency `principal: NamedDependency[Principal]`. While identity is off that is
  `jackfield.identity.local_mode.LOCAL`, and `account_of(principal)` is None.
- It shows people what is theirs: `seen_user(principal)` is what a list is narrowed to, and
  `check_owner(principal, run.account and run.account.user_id, NotFound-error)` is for one thing.

The guard `recognise` does the rest before a body is read: 401 for whoever was not recognised, 403 for whoever may not,
and the CSRF header for changes that come with a session's cookie.
"""
