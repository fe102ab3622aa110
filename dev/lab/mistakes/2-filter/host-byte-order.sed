# One side of the comparison is converted
# point: then only connections to it
# hint: compare without converting
s/daddr == only/daddr == ntohl(only)/
