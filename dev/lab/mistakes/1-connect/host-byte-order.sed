# The port is shown as the header has it
# point: a connection is shown with its source
# hint: bytes swapped: ntohs()
s/ntohs\(th->source\)/th->source/
