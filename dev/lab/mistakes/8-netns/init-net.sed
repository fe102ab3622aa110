# All sockets are made in the initial namespace
# point: insmod returns
# hint: made in "net"
s/sock_create_kern\(net,/sock_create_kern(\&init_net,/
