# SYN alone is looked at, which answers have as well
# point: by its first packet and no other
# hint: the answer has both
s/ && !th->ack//
