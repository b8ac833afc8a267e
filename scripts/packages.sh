# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
#
# Sourced by quickstart and check: finds out which packages are missing, installs them where that
# is allowed, and says what is missing and why where it is not.
#
# One row per package: importance, a test for what it brings (a program, a pkg-config module, a
# header, a file, or a kernel with a module), the Debian package, the dnf package ("-": none whose name is
# known to bring it), and why. "need":
# nothing works without it. "want": quickstart uses it. "dev": only scripts/check does. "lab":
# scripts/lab does.
packages='
need  program:cc           gcc             gcc                  compiles railgauge
need  header:stdio.h       libc6-dev       glibc-devel          the C library
need  program:make         make            make                 builds railgauge
need  program:autoconf     autoconf        autoconf             makes configure
need  program:automake     automake        automake             makes the makefiles
need  program:libtoolize   libtool         libtool              builds the MPI modules
need  program:pkg-config   pkg-config      pkgconf-pkg-config   finds the libraries
need  module:hwloc         libhwloc-dev    hwloc-devel          reads the topology
need  module:jansson       libjansson-dev  jansson-devel        reads and writes results
want  module:ompi-c        libopenmpi-dev  openmpi-devel        measures beside MPI
want  program:mpirun       openmpi-bin     openmpi              starts MPI jobs
want  module:libibverbs    libibverbs-dev  rdma-core-devel      RDMA devices
want  program:help2man     help2man        help2man             writes the manual pages
dev   module:mpich         libmpich-dev    mpich-devel          the module for MPICH
dev   program:mpiexec.hydra mpich          mpich                starts MPICH jobs
dev   module:cmocka        libcmocka-dev   libcmocka-devel      the unit tests
dev   program:xz           xz-utils        xz                   make distcheck
dev   program:valgrind     valgrind        valgrind             memory errors in unit tests
dev   program:clang        clang           clang                a second compiler, data races
dev   program:clang-format-14 clang-format clang-tools-extra the format of the sources (version 14)
dev   program:gnuplot      gnuplot-nox     gnuplot              plots in pages of railgauge report
dev   program:ip           iproute2        iproute              hosts of network namespaces
dev   program:codespell    codespell       codespell            spelling
lab   program:qemu-system-x86_64 qemu-system-x86 -              the machine of scripts/lab
lab   kernel:rdma_rxe      linux-image-amd64 kernel-modules-extra its kernel, with Soft-RoCE
lab   program:busybox      busybox-static  busybox              its first programs
lab   program:cpio         cpio            cpio                 its initial file system
lab   program:modprobe     kmod            kmod                 its modules
lab   program:setpriv      util-linux      util-linux           ends it with scripts/lab
lab   program:rdma         iproute2        iproute              its links and RDMA devices
lab   file:/etc/libibverbs.d/rxe.driver ibverbs-providers libibverbs what programs use them through
lab   program:ibv_devinfo  ibverbs-utils   libibverbs-utils     lists them
lab   program:ib_write_bw  perftest        perftest             measures beside railgauge there
'

# present KIND:NAME: is it there?
present() {
  case $1 in
    program:clang-format-14) # any will do: another version leaves the format unchecked
      command -v clang-format-14 >/dev/null 2>&1 || command -v clang-format >/dev/null 2>&1 ;;
    program:cc) command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 ;;
    program:*) (PATH=$PATH:/usr/sbin:/sbin; command -v "${1#program:}") >/dev/null 2>&1 ;;
    module:*) pkg-config --exists "${1#module:}" 2>/dev/null ;;
    file:*) [ -e "${1#file:}" ] ;;
    kernel:*) kernel_with "${1#kernel:}" >/dev/null ;;
    header:*) echo "#include <${1#header:}>" | ${CC:-cc} -E -x c - >/dev/null 2>&1 ;;
  esac
}

# has_module RELEASE MODULE: are its modules installed here, and that one among them?
has_module() {
  grep -qs "/$2\.ko" "/lib/modules/$1/modules.dep"
}

# kernel_with MODULE: the release of the newest kernel that is installed here with that module,
# whichever kernel runs
kernel_with() {
  newest=$(for image in /boot/vmlinuz-*; do
    has_module "${image#/boot/vmlinuz-}" "$1" && echo "${image#/boot/vmlinuz-}"
  done | sort -V | tail -n 1)
  [ -n "$newest" ] && echo "$newest"
}

# missing IMPORTANCE...: the rows of those importances whose test fails
missing() {
  echo "$packages" | while read -r importance test deb dnf why; do
    case " $* " in *" $importance "*) ;; *) continue ;; esac
    present "$test" || echo "$importance $test $deb $dnf $why"
  done
}

column() { # column N: the N-th word of each line on stdin, in one line
  awk -v n="$1" '{ printf "%s%s", (NR > 1 ? " " : ""), $n } END { print "" }'
}

# Prints the prefix that makes a command run as root ("" or "sudo -n"), or fails.
become_root() {
  if [ "$(id -u)" -eq 0 ]; then
    echo ""
  elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    echo "sudo -n"
  else
    return 1
  fi
}

# provide LOG IMPORTANCE...: installs what is missing of those importances; its words go to LOG.
# Returns 1 if something of importance "need" is still missing afterwards, and says so.
provide() {
  log=$1
  shift
  # Distributions with dnf keep MPI libraries out of the way, for their module command. Open MPI's
  # comes first: mpirun is its.
  for dir in /usr/lib64/openmpi /usr/lib64/mpich; do
    case ":$PATH:" in *":$dir/bin:"*) continue ;; esac
    if [ -x $dir/bin/mpirun ]; then
      PATH=$PATH:$dir/bin
      PKG_CONFIG_PATH=${PKG_CONFIG_PATH:+$PKG_CONFIG_PATH:}$dir/lib/pkgconfig
      export PATH PKG_CONFIG_PATH
    fi
  done
  rows=$(missing "$@")
  [ -n "$rows" ] || return 0
  deb=$(echo "$rows" | column 3)
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "  not installed by this script: no apt-get here"
  elif ! root=$(become_root); then
    echo "  not installed by this script: neither root nor sudo without a password"
  else
    echo "  apt-get install $deb"
    # shellcheck disable=SC2086 # both are lists of words
    # All at once; where a release lacks one of them, one by one.
    if $root env DEBIAN_FRONTEND=noninteractive sh -c '
        apt-get update -q
        apt-get install -q -y --no-install-recommends "$@" || {
          rc=0
          for package; do
            apt-get install -q -y --no-install-recommends "$package" || rc=1
          done
          exit $rc
        }' sh $deb >"$log" 2>&1; then
      hash -r 2>/dev/null || :
    else
      echo "  apt-get failed; its last words, all of them in $log:"
      tail -n 5 "$log" | sed 's/^/    /'
    fi
  fi
  rows=$(missing "$@")
  [ -n "$rows" ] || return 0
  echo "  still missing:"
  echo "$rows" | while read -r importance test deb dnf why; do
    case $importance in
      need) echo "    $deb: $why (nothing works without it)" ;;
      *) echo "    $deb: $why (left out)" ;;
    esac
  done
  echo "  Debian and Ubuntu: apt-get install $(echo "$rows" | column 3)"
  dnf=$(echo "$rows" | awk '$4 != "-"' | column 4)
  [ -z "$dnf" ] || echo "  Fedora and RHEL:   dnf install $dnf"
  ! echo "$rows" | grep -q '^need '
}

# prepare_configure TOP LOG: makes configure if it is missing or older than its sources.
prepare_configure() {
  if [ -x "$1/configure" ] && [ -z "$(find "$1/configure.ac" "$1"/m4/rg_*.m4 "$1/Makefile.am" \
    "$1"/src/*/local.mk "$1"/tests/local.mk "$1"/tests/*/local.mk -newer "$1/configure")" ]; then
    return 0
  fi
  (cd "$1" && autoreconf -i) >"$2" 2>&1
}
