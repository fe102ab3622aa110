# The init function returns how many bytes were sent
# point: the kernel has no complaint
# hint: returned a positive number
s/^\treturn 0;/\treturn ret;/
