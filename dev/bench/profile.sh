# shellcheck shell=bash
die "make bench-profile is not there yet"
