# Every ioctl number is taken
# point: an unknown ioctl is ENOTTY
# hint: an unknown number
/^\tif \(cmd != /,/^\t\treturn -ENOTTY;/d
