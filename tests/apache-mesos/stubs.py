#!/usr/bin/env python3
"""Builds stand-ins for libraries that Mesos's native library was linked with and Debian 12 has no more.

usage: stubs.py LIBRARY OUT_DIR

What OpenSSL 1.0 exports becomes functions that return 0 (so there is no TLS), but for digests, which OpenSSL 3 makes.
What CPython 2.7 exports aborts. libcurl's old symbol version leads to the system's libcurl.
"""
import collections, os, re, subprocess, sys

library, out = sys.argv[1:3]
DIGESTS = {"HMAC", "SHA256", "EVP_sha256", "EVP_sha1"}
CURL = "/usr/lib/x86_64-linux-gnu/libcurl.so.4"


def lines(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


by_version, python = collections.defaultdict(set), set()
for line in lines("nm", "-D", "--undefined-only", library):
    symbol = line.split()[-1]
    name, at, version = symbol.partition("@")
    if at and re.match("OPENSSL|CURL", version):
        by_version[version].add(name)
    elif re.match("_?Py", name):
        python.add(name)

needed, current = collections.defaultdict(set), None     # library -> symbol versions it must define
for line in lines("readelf", "-V", library):
    if found := re.search(r"File: (\S+)", line):
        current = found.group(1)
    if (found := re.search(r"Name: (\S+)", line)) and current:
        needed[current].add(found.group(1))


def build(soname, body, versions=()):
    source, script = (os.path.join(out, soname + end) for end in (".c", ".map"))
    with open(source, "w") as f:
        f.write("#include <dlfcn.h>\n#include <stdio.h>\n#include <stdlib.h>\n" + body)
    command = ["gcc", "-shared", "-fPIC", "-O1", "-w", "-o", os.path.join(out, soname), source,
               "-Wl,-soname," + soname, "-ldl"]
    if versions:
        parent, text = "", ""
        for version, names in sorted(versions.items()):
            text += "%s { global: %s %s }%s;\n" % (version, " ".join(n + ";" for n in sorted(names)),
                                                   "" if parent else "local: *;", parent)
            parent = " " + version
        with open(script, "w") as f:
            f.write(text)
        command.append("-Wl,--version-script=" + script)
    subprocess.run(command, check=True)


def forward(name, path):
    args = ",".join("long %s" % a for a in "abcdefg")
    return ("long %s(%s){static long(*p)();if(!p)p=dlsym(dlopen(\"%s\",RTLD_NOW|RTLD_LOCAL),\"%s\");"
            "return p(a,b,c,d,e,f,g);}\n" % (name, args, path, name))


def openssl(name):
    if name == "CRYPTO_num_locks":
        return "int CRYPTO_num_locks(){return 41;}\n"
    return forward(name, "libcrypto.so.3") if name in DIGESTS else "long %s(){return 0;}\n" % name


for soname, ssl in (("libssl.so.1.0.0", True), ("libcrypto.so.1.0.0", False)):
    versions = {v: {n for n in by_version[v] if bool(re.match("SSL|TLS", n)) == ssl} for v in needed.get(soname, ())}
    if versions:
        build(soname, "".join(openssl(n) for names in versions.values() for n in names), versions)
versions = {v: by_version[v] for v in needed.get("libcurl.so.4", ())}
build("libcurl.so.4", "".join(forward(n, CURL) for names in versions.values() for n in names), versions)
build("libpython-stub.so", "".join("char %s[256];\n" % n if re.match("PyExc_|_Py_", n) else
                                   "long %s(){fputs(\"no Python here: %s\\n\",stderr);abort();}\n" % (n, n)
                                   for n in python))
