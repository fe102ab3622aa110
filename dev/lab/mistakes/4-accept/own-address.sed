# The address of this end is shown
# point: a connection is shown with its peer
# hint: kernel_getpeername() tells
s/kernel_getpeername/kernel_getsockname/
