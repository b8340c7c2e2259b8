"""The stored-program agent (L2MAC, arXiv 2310.02003): instructions, a control unit, and a store of files.

A model acts in fenced blocks under a line that names the file, and a regular expression holds it to them. Code then
stands as it was learned, where JSON strings would have every line break and quotation mark escaped, which small models
break or forget. The expression keeps the rest certain: a block always closes, and only planned files can be named.
"""
