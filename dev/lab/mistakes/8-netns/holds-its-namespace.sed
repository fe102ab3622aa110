# The listener holds a reference on its namespace
# point: a namespace can end
# hint: who holds a reference
s/^\tsk = dt->listener->sk;/&\n\tsk_net_refcnt_upgrade(sk);/
/^\tsk_net_refcnt_upgrade\(sock->sk\);/d
