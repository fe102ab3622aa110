# Connections are never released
# point: a client receives the time
# hint: the stream does not end
/^\t\tsock_release\(sock\);/d
