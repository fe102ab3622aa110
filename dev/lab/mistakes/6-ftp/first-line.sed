# Each line is taken for the whole reply
# point: replies of many lines, in pieces
# hint: a reply ends with a line of three digits and a space
s/line\[3\] == ' ' && //
