"""`make soak`: all servers for many minutes under churning, idle and active connections, and what they leak."""
