# The argument is taken for the address, not for a pointer to it
# point: a bad pointer is EFAULT
# hint: "arg" points to the address
s/^\tif \(copy_from_user\(.*/\taddr = (__force __be32)arg;/
/^\t\treturn -EFAULT;/d
