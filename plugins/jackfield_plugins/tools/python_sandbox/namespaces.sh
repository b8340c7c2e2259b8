# Builds what a sandboxed program sees, from inside fresh namespaces, and runs it there.
#   $1 keep|drop: keep or drop capabilities   $2 bytes of the scratch folder   $3 folders to show, one a line
# What follows is the program. /sys is where the new root is put together: nothing in it is needed.
set -e
root=/sys keep=$1 size=$2 shown=$3
shift 3
if [ "$keep" = drop ]; then # we are in a user namespace of our own: no further ones in it
    echo 0 >/proc/sys/user/max_user_namespaces || true
fi
mount --make-rprivate /
mount -t tmpfs -o size=1m,mode=0755,nosuid,nodev none $root
cd $root

show() {
    mkdir -p "$root$1"
    mount --rbind "$1" "$root$1"
    mount -o remount,bind,ro,nosuid,nodev "$root$1"
}

for path in /usr /bin /sbin /lib /lib32 /lib64; do
    if [ -L $path ]; then cp -P $path $root$path; elif [ -d $path ]; then show $path; fi
done
mkdir dev etc scratch before
echo "$shown" | while read -r path; do
    if [ -n "$path" ]; then show "$path"; fi
done
for name in null zero full random urandom; do
    touch dev/$name
    mount --bind /dev/$name dev/$name
done
if [ -f /etc/ld.so.cache ]; then
    touch etc/ld.so.cache
    mount --bind /etc/ld.so.cache etc/ld.so.cache
    mount -o remount,bind,ro,nosuid,nodev etc/ld.so.cache
fi
mount -t tmpfs -o "size=$size,mode=1777,nosuid,nodev" none scratch
ln -s scratch tmp
ln -s before/proc proc # umount reads it
pivot_root . before
umount -l /before
rm /proc
rmdir /before
mount -o remount,ro,nosuid,nodev /
cd /scratch
if [ "$keep" = keep ]; then
    setpriv --no-new-privs -- "$@"
else
    setpriv --no-new-privs --inh-caps=-all --bounding-set=-all -- "$@"
fi
exit $?
