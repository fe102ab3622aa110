# The socket is an IPv4 socket
# point: over IPv6 too
# hint: an IPv6 socket bound to :: takes both
s/sockaddr_in6/sockaddr_in/
s/\.sin6_(family|port)/.sin_\1/
s/([AP]F_INET)6/\1/
/sin6_addr|sk_ipv6only/d
