"""`jackfield bench decode`: the decode loop under workloads of agents and bursts, alone or beside another server."""
