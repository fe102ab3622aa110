# The exit function leaves the socket
# point: no socket is left
# hint: sock_release() in the exit function
/_exit\(void\)/,$ s/sock_release\(listener\);//
