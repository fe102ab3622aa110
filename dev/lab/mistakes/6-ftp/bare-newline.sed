# Commands end with a newline alone
# point: replies of many lines, in pieces
# hint: does not end with "\r\n"
s/"%s %s\\r\\n"/"%s %s\\n"/
