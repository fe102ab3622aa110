# The port is in host byte order
# point: listens on port 60000
# hint: htons(60000)
s/htons\(LISTEN_PORT\)/LISTEN_PORT/
