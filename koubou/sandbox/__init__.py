"""囲い: the walls around an agent: what it sees of the machine, and its one way out, to the gateway.

    walls      which part of the machine is seen inside, as a command line of bubblewrap
    relay      the program inside that leads a port of 127.0.0.1 to the gateway's socket, and starts the agent
    preflight  whether walls can be put up on this machine, and what to do when they cannot
    etc/       the few files of /etc that are made anew

    walls = Walls(work=copy, home=home, readable=(program,), socket=door.socket, port=door.port, hidden=(workshop,))
    command = Command(argv=walled((program, "--flag"), walls), environment={"HOME": HOME, …}, directory=copy, …)
    limits = Limits(signal=SIGINT, signal_depth=walls.depth, …)

Inside, the workspace is at /work, HOME at /home/agent, /tmp is its own; the environment is what the leash gives.
"""
