# The zero at the end of the string is sent
# point: the datagram arrives at 127.0.0.1:60001
# hint: no part of the message
s/sizeof\(message\) - 1/sizeof(message)/
