# Connections are never released
# point: and closed
# hint: sock_release() what kernel_accept() made
/^\t\tsock_release\(sock\);/d
