# The init function accepts, and waits for a client
# point: insmod returns
# hint: it sleeps in inet_csk_accept()
s/^\tacceptor = kthread_run/\tkernel_accept(listener, \&(struct socket *){ NULL }, 0);\n&/
