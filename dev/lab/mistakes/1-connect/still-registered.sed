# The hook is called after its code was unloaded
# point: a connection after rmmod
# hint: nf_unregister_net_hook() in the exit function
/nf_unregister_net_hook/d
