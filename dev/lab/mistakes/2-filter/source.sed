# The source is compared, not the destination
# point: then only connections to it
# hint: iph->daddr, the destination
s/knd_sample_shows\(iph->daddr\)/knd_sample_shows(iph->saddr)/
