# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# For tests that want a module of their own; sourced, at the root of the tree.

# module_copy DIR [FILE FIND PUT]: the module's sources at DIR; in kmod/FILE the one
# match of FIND (Perl's, over lines) is replaced by PUT.
module_copy() {
	mkdir -p "$1" && cp -r Kbuild kmod uapi "$1" || return
	[[ -z ${2-} ]] || FIND=$3 PUT='"'$4'"' perl -0777 -i -pe '
		my $found = s/$ENV{FIND}/eval $ENV{PUT}/eg;
		die "matches $found times\n" if $found != 1;
	' "$1/kmod/$2"
}

# module_make KERNEL DIR: builds it at DIR/out/RELEASE.
module_make() {
	tests/setup/module "$1" "$2/out" "$2"/{Kbuild,kmod,uapi}
}
