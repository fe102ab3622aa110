# The port is in host byte order
# point: the datagram arrives at 127.0.0.1:60001
# hint: htons(60001)
s/htons\(DEST_PORT\)/DEST_PORT/
