"""引き綱: the leash process that holds the whole process tree of a run, and what its parent needs to know about it.

    words     what both say to one another: JSON lines
    main      the leash itself: starts the command, holds its bounds, ends its tree, says how it went
    child     fork and exec of the command
    capture   what the command says, into files with a bound
    tree      which processes descend from us; ending and reaping them
    kernel    subreaper, parent-death signal
    cgroup    the same where the system delegates a control group
    mark      finding processes of a run by their environment, when nobody holds them any more
    orders    for the parent: what is to be run within which bounds, and how it ended
    holding   for the parent: starting leashes, hearing them, ending what a lost leash leaves

The leash starts anew for every run: what it imports stays small (no dataclasses, typing, subprocess, asyncio).
"""
