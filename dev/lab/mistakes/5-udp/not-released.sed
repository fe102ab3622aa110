# The socket is never released
# point: no socket is left
# hint: needs a sock_release()
/sock_release\(sock\)/d
