# The header is read whether the packet has it or not
# point: nor a packet that ends before its flags
# hint: skb_header_pointer() checks the length
s/return skb_header_pointer\(.*/return (void *)(skb->data + offset);/
