/* SPDX-License-Identifier: MIT */
/*
 * What package managers print, as recorded from real ones; to be included by the only file of a
 * test program.
 */
#ifndef RP_TEST_LIB_PACKAGES_SHORT_H
#define RP_TEST_LIB_PACKAGES_SHORT_H

static const char apt_text[] =
    "NOTE: This is only a simulation!\n      apt-get needs root privileges for real execution.\n"
    "Reading package lists...\nBuilding dependency tree...\nReading state information...\n"
    "Calculating upgrade...\nThe following packages have been kept back:\n  linux-image-amd64\n"
    "The following packages will be upgraded:\n  libc6 openssl zip\n"
    "3 upgraded, 0 newly installed, 0 to remove and 1 not upgraded.\n"
    "Inst libc6 [2.36-9+deb12u9] (2.36-9+deb12u10 Debian:12.11/stable [amd64]) []\n"
    "Inst openssl [3.0.15-1] (3.0.16-1~deb12u1 Debian:12.11/stable, "
    "Debian-Security:12/stable-security [amd64])\n"
    "Inst zip [3.0-13] (3.0-14 Ubuntu:24.04/noble-updates, Ubuntu:24.04/noble-security [amd64])\n"
    "Conf libc6 (2.36-9+deb12u10 Debian:12.11/stable [amd64])\n"
    "Conf openssl (3.0.16-1~deb12u1 Debian:12.11/stable [amd64])\n";

static const char dnf_text[] =
    "\nanaconda-core.x86_64             33.16.5.2-1.el8.0.1             appstream\n"
    "glibc.x86_64                     2.28-161.el8                    baseos\n"
    "python3.11-libs.x86_64           3.11.9-7.el9_5.2                @System\n"
    "a-package-with-a-very-long-name-that-yum-folds.noarch\n"
    "                                 1.0.0-1.el7                     updates\n"
    "another-package-with-a-long-version.noarch 12345678901234567890-1.el7\n"
    "                                                                 updates\n"
    "Security: kernel-core-5.14.0-427.el9.x86_64 is an installed security update\n"
    "Obsoleting Packages\n"
    "grub2-tools.x86_64               1:2.02-99.el8                   baseos\n"
    "    grub2-tools.x86_64           1:2.02-90.el8                   @baseos\n";

static const char zypper_text[] =
    "S | Repository              | Name        | Current Version | Available Version | Arch\n"
    "--+-------------------------+-------------+-----------------+-------------------+-------\n"
    "v | openSUSE-Tumbleweed-Oss | evince      | 40.2-1.1        | 40.4-1.1          | x86_64\n"
    "v | openSUSE-Tumbleweed-Oss | ruby-common | 2.6-4.2         | 2.6-5.1           | noarch\n"
    "  | openSUSE-Tumbleweed-Oss | locked      | 2.6-4.2         | 2.6-5.1           | noarch\n";

static const char patches_text[] =
    "Repository | Name          | Category | Severity | Interactive | Status     | Summary\n"
    "-----------+---------------+----------+----------+-------------+------------+--------\n"
    "Update     | SLE-2021-3522 | security | moderate | reboot      | needed     | Fixes | x\n"
    "Update     | SLE-2021-3000 | security | moderate | ---         | not needed | Old\n"
    "Update     | --bad; name   | security | moderate | ---         | needed     | No\n";

static const char patch_info_text[] =
    "\nInformation for patch SLE-2021-3522:\n------------------------------------\n"
    "Repository  : Update\nName        : SLE-2021-3522\nVersion     : 1\n"
    "Category    : security\nInteractive : reboot\nSummary     : Fixes a b\n"
    "Description : \n    some more words\nProvides    : patch:SLE = 1\n"
    "Conflicts   : [2]\n    evince.x86_64 < 40.4-1.1\n    srcpackage:evince < 40.4-1.1\n"
    "\nInformation for patch SLE-2021-1:\nCategory    : recommended\nInteractive : ---\n"
    "Conflicts   : [1]\n    ruby-common.noarch < 2.6-5.1\n";

static const char apk_text[] =
    "WARNING: opening from cache\n"
    "busybox-1.36.1-r19 x86_64 {busybox} (GPL-2.0-only) [upgradable from: busybox-1.36.1-r15]\n"
    "ca-certificates-bundle-20240705-r0 x86_64 {ca-certificates} (MPL-2.0 AND MIT) "
    "[upgradable from: ca-certificates-bundle-20240226-r0]\n"
    "musl-1.2.5-r0 x86_64 {musl} (MIT) [installed]\n"
    "short x86_64 [upgradable from: x]\n-1-r1 x86_64 [upgradable from: x]\n";

#endif
