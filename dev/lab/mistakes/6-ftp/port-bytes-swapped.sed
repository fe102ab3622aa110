# PORT has the low byte of the port first
# point: a file from vsftpd, every byte
# hint: the high byte of the port first
s/p\[0\], p\[1\]\)/p[1], p[0])/
