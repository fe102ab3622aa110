# All addresses are listened on
# point: at 127.0.0.1
# hint: anybody could connect
s/htonl\(INADDR_LOOPBACK\)/htonl(INADDR_ANY)/
