"""The door: the socket, who may enter, and the process that serves."""
