// SPDX-License-Identifier: GPL-2.0-only
/*
 * shmring_tap - a packet tap whose consumer reads a ring
 *
 * Packets come on several CPUs at once, and a capture is one stream in one
 * order, so the CPUs take turns at one ring, under a lock that is held for the
 * length of one copy.  What the filter refuses never comes to the lock.
 */
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if_arp.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#include <linux/shmring_tap.h>

#include "shmring.h"
#include "tap_stream.h"

/* A request longer than this is from no version of ours. */
#define TAP_REQUEST_MAX		PAGE_SIZE

/**
 * struct tap - an open file of the device
 * @start: held while a request is served; a file has one tap in its life
 * @started: a tap was started, and may have ended; under @start
 * @stream: valid once @started; its end from then until @hooked is no more
 * @filter: which packets, NULL: all
 * @hook: where the network hands packets over
 * @hooked: packets may come, and we hold the device; under taps_lock
 * @list: in taps, while @hooked; under taps_lock
 */
struct tap {
	struct mutex start;		/* @stream.end is claimed once */
	bool started;
	struct tap_stream stream;
	struct bpf_prog *filter;
	struct packet_type hook;
	bool hooked;
	struct list_head list;
};

/* All that are hooked in, for when a device goes.  Taken inside the RTNL. */
static LIST_HEAD(taps);
static DEFINE_MUTEX(taps_lock);

/* --- The hook */

/*
 * As packet sockets do it: what goes out comes here with its headers, what comes
 * in without.  Others look at the same skb after us, so it is put back as it was.
 *
 * Context: a softirq, or a process that sends, with bottom halves off; RCU.
 */
static int tap_receive(struct sk_buff *skb, struct net_device *dev,
		       struct packet_type *hook, struct net_device *orig_dev)
{
	struct tap *tap = container_of(hook, struct tap, hook);
	u8 *data = skb->data;
	unsigned int len = skb->len;
	bool written = true;
	u32 keep = U32_MAX;

	/* A copy of our own multicast, which did not come by the wire */
	if (skb->pkt_type == PACKET_LOOPBACK)
		goto out;

	if (tap->stream.linktype == LINKTYPE_ETHERNET)
		skb_push(skb, skb->data - skb_mac_header(skb));
	else
		skb_pull(skb, skb_network_offset(skb));

	if (tap->filter)
		keep = bpf_prog_run_clear_cb(tap->filter, skb);
	if (keep)
		written = tap_stream_packet(&tap->stream, skb, keep);

	skb->data = data;
	skb->len = len;
out:
	/* The drop monitor, too, shall see what was lost */
	if (written)
		consume_skb(skb);
	else
		kfree_skb(skb);
	return 0;
}

/*
 * The end comes in two steps, since packets that are on their way must have
 * passed (synchronize_net()) between the unhooking, under taps_lock, ...
 */
static void tap_unhook(struct tap *tap)
{
	tap->hooked = false;
	list_del(&tap->list);
	__dev_remove_pack(&tap->hook);
}

/* ... and the last word. */
static void tap_end(struct tap *tap)
{
	dev_put(tap->hook.dev);
	tap_stream_end(&tap->stream);
	shmring_drop_end(&tap->stream.end);
}

static void tap_device_gone(const struct net_device *dev)
{
	struct tap *tap, *next;
	LIST_HEAD(gone);

	/* To the end: a file that is closed meanwhile must wait for us */
	mutex_lock(&taps_lock);
	list_for_each_entry_safe(tap, next, &taps, list) {
		if (tap->hook.dev != dev)
			continue;
		tap_unhook(tap);
		list_add_tail(&tap->list, &gone);
	}
	if (!list_empty(&gone))
		synchronize_net();
	list_for_each_entry_safe(tap, next, &gone, list)
		tap_end(tap);
	mutex_unlock(&taps_lock);
}

/*
 * A device that goes to another network namespace is unregistered here.  Of one
 * that changes its type the stream could not say what its packets are.
 */
static int tap_device_event(struct notifier_block *block, unsigned long event,
			    void *ptr)
{
	if (event == NETDEV_UNREGISTER || event == NETDEV_PRE_TYPE_CHANGE)
		tap_device_gone(netdev_notifier_info_to_dev(ptr));
	return NOTIFY_DONE;
}

static struct notifier_block tap_notifier = {
	.notifier_call = tap_device_event,
};

/* --- The file */

static int tap_open(struct inode *inode, struct file *file)
{
	struct tap *tap = kzalloc(sizeof(*tap), GFP_KERNEL_ACCOUNT);

	if (!tap)
		return -ENOMEM;
	mutex_init(&tap->start);
	file->private_data = tap;
	return nonseekable_open(inode, file);
}

static int tap_release(struct inode *inode, struct file *file)
{
	struct tap *tap = file->private_data;
	bool hooked;

	mutex_lock(&taps_lock);
	hooked = tap->hooked;
	if (hooked)
		tap_unhook(tap);
	mutex_unlock(&taps_lock);
	if (hooked) {
		synchronize_net();
		tap_end(tap);
	}
	if (tap->filter)
		bpf_prog_destroy(tap->filter);
	mutex_destroy(&tap->start);
	kfree(tap);
	return 0;
}

static int tap_linktype(const struct net_device *dev)
{
	switch (dev->type) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
		return LINKTYPE_ETHERNET;
	case ARPHRD_NONE:
	case ARPHRD_RAWIP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE:
		return LINKTYPE_RAW;
	default:
		return -EOPNOTSUPP;
	}
}

static int tap_set_filter(struct tap *tap, const struct shmring_tap_start *r)
{
	struct sock_fprog program = {
		.len = r->filter_len,
		.filter = u64_to_user_ptr(r->filter),
	};
	int err;

	if (!r->filter_len)
		return r->filter ? -EINVAL : 0;
	/* Before it is cut down to 16 bits */
	if (r->filter_len > BPF_MAXINSNS)
		return -EINVAL;
	err = bpf_prog_create_from_user(&tap->filter, &program, NULL, false);
	/* Its compiler had no memory; processes do not know this errno */
	return err == -ENOTSUPP ? -ENOMEM : err;
}

/* Called with a reference to @dev, which it takes over if it succeeds. */
static int tap_hook(struct tap *tap, struct net_device *dev, struct net *net)
{
	int err = -ENODEV;

	rtnl_lock();
	/* All that would have been the end of the tap since it was looked up */
	if (dev->reg_state != NETREG_REGISTERED || !net_eq(dev_net(dev), net) ||
	    tap_linktype(dev) != tap->stream.linktype)
		goto unlock;

	mutex_lock(&taps_lock);
	tap->hook.type = htons(ETH_P_ALL);
	tap->hook.dev = dev;
	tap->hook.func = tap_receive;
	/* On the loopback device what goes out comes in again */
	tap->hook.ignore_outgoing = dev->flags & IFF_LOOPBACK;
	tap->hooked = true;
	list_add(&tap->list, &taps);
	dev_add_pack(&tap->hook);
	mutex_unlock(&taps_lock);
	err = 0;
unlock:
	rtnl_unlock();
	return err;
}

/* Outside of the RTNL, as it may map a ring of a GiB. */
static int tap_begin(struct tap *tap, struct net_device *dev, struct net *net,
		     struct shmring *ring)
{
	int err;

	err = shmring_claim_end(&tap->stream.end, ring, SHMRING_ROLE_PRODUCER,
				NULL);
	if (err)
		return err;
	err = tap_stream_begin(&tap->stream);
	if (!err)
		err = tap_hook(tap, dev, net);
	if (err)
		shmring_drop_end(&tap->stream.end);
	return err;
}

static int tap_start_on(struct tap *tap, const struct shmring_tap_start *r,
			struct net *net, struct shmring *ring)
{
	struct net_device *dev = dev_get_by_index(net, r->ifindex);
	int err;

	if (!dev)
		return -ENODEV;
	err = tap_linktype(dev);
	if (err < 0)
		goto put;
	tap->stream.linktype = err;
	tap->stream.snaplen = r->snaplen ?: SHMRING_TAP_SNAPLEN;
	err = tap_begin(tap, dev, net, ring);
put:
	if (err < 0)
		dev_put(dev);
	return err;
}

static long tap_start(struct tap *tap, const struct shmring_tap_start *r)
{
	struct net *net = current->nsproxy->net_ns;
	struct shmring *ring;
	int err;

	if (!ns_capable(net->user_ns, CAP_NET_RAW))
		return -EPERM;
	if (r->flags || r->snaplen > SHMRING_TAP_SNAPLEN)
		return -EINVAL;
	if (tap->started)
		return -EBUSY;

	ring = shmring_from_fd(r->ring_fd);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	err = -EINVAL;
	if (shmring_capacity(ring) < PAGE_SIZE)
		goto put;
	/*
	 * Before there is a device, which cannot go while it is held: the filter
	 * may be in memory that takes a process' own time to be read.
	 */
	err = tap_set_filter(tap, r);
	if (err)
		goto put;
	err = tap_start_on(tap, r, net, ring);
	if (!err) {
		tap->started = true;
	} else if (tap->filter) {
		bpf_prog_destroy(tap->filter);
		tap->filter = NULL;
	}
put:
	shmring_put(ring);
	return err;
}

static long tap_statistics(struct tap *tap, struct shmring_tap_stats *r)
{
	struct tap_stream *s = &tap->stream;

	if (r->flags)
		return -EINVAL;
	if (!tap->started)
		return -ENOTCONN;
	spin_lock_bh(&s->lock);
	r->packets = s->packets;
	r->drops = s->drops;
	spin_unlock_bh(&s->lock);
	r->written = r->packets - r->drops;
	return 0;
}

static long tap_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct tap *tap = file->private_data;
	void __user *user = (void __user *)arg;
	union {
		struct shmring_tap_start start;
		struct shmring_tap_stats stats;
	} req;
	size_t known;
	u32 size;
	long err;

	switch (cmd) {
	case SHMRING_TAP_IOC_START:
		known = sizeof(req.start);
		break;
	case SHMRING_TAP_IOC_STATS:
		known = sizeof(req.stats);
		break;
	default:
		return -ENOTTY;
	}
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < known)
		return -EINVAL;
	if (size > TAP_REQUEST_MAX)
		return -E2BIG;
	err = copy_struct_from_user(&req, known, user, size);
	if (err)
		return err;

	mutex_lock(&tap->start);
	if (cmd == SHMRING_TAP_IOC_START)
		err = tap_start(tap, &req.start);
	else
		err = tap_statistics(tap, &req.stats);
	mutex_unlock(&tap->start);
	if (!err && cmd == SHMRING_TAP_IOC_STATS &&
	    copy_to_user(user, &req.stats, known))
		err = -EFAULT;
	return err;
}

static const struct file_operations tap_fops = {
	.owner		= THIS_MODULE,
	.open		= tap_open,
	.release	= tap_release,
	.unlocked_ioctl	= tap_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

static struct miscdevice tap_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "shmring_tap",
	.fops	= &tap_fops,
};

static int __init tap_init(void)
{
	int err;

	err = register_netdevice_notifier(&tap_notifier);
	if (err)
		return err;
	err = misc_register(&tap_misc);
	if (err)
		unregister_netdevice_notifier(&tap_notifier);
	return err;
}

static void __exit tap_exit(void)
{
	misc_deregister(&tap_misc);
	unregister_netdevice_notifier(&tap_notifier);
}

module_init(tap_init);
module_exit(tap_exit);

MODULE_DESCRIPTION("Packet tap that writes pcapng into a shmring");
MODULE_LICENSE("GPL");
