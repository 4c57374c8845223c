// linux.resources.blockIO.

package cgroup

import (
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

func (p *program) blockIO(b *specs.LinuxBlockIO) error {
	if b == nil {
		return nil
	}
	if w := b.Weight; w != nil && *w != 0 {
		if err := checkWeight("blockIO.weight", *w); err != nil {
			return err
		}
		p.weight("blockIO.weight", "", *w)
	}
	if w := b.LeafWeight; w != nil && *w != 0 {
		if p.v2 {
			return onlyV1("blockIO.leafWeight")
		}
		p.add("blockIO.leafWeight", "blkio", "blkio.leaf_weight", strconv.Itoa(int(*w)))
	}
	for i := range b.WeightDevice {
		d := &b.WeightDevice[i]
		f := "blockIO.weightDevice[" + strconv.Itoa(i) + "]"
		if d.Weight != nil && *d.Weight != 0 {
			if err := checkWeight(f+".weight", *d.Weight); err != nil {
				return err
			}
			p.weight(f+".weight", number(d.LinuxBlockIODevice)+" ", *d.Weight)
		}
		if d.LeafWeight != nil && *d.LeafWeight != 0 {
			if p.v2 {
				return onlyV1(f + ".leafWeight")
			}
			p.add(f+".leafWeight", "blkio", "blkio.leaf_weight_device",
				number(d.LinuxBlockIODevice)+" "+strconv.Itoa(int(*d.LeafWeight)))
		}
	}
	p.throttle("throttleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps", b.ThrottleReadBpsDevice)
	p.throttle("throttleWriteBpsDevice", "blkio.throttle.write_bps_device", "wbps", b.ThrottleWriteBpsDevice)
	p.throttle("throttleReadIOPSDevice", "blkio.throttle.read_iops_device", "riops", b.ThrottleReadIOPSDevice)
	p.throttle("throttleWriteIOPSDevice", "blkio.throttle.write_iops_device", "wiops", b.ThrottleWriteIOPSDevice)
	return nil
}

// checkWeight holds a weight to the spec's range.
func checkWeight(f string, w uint16) error {
	if w < 10 || w > 1000 {
		return errdetail.New(res+f, "%d is not within 10 to 1000", w)
	}
	return nil
}

// weight sets the proportional weight, of the group or of one device. The BFQ scheduler has files
// of its own, which take the spec's range as it is; v2's io.weight has another range.
func (p *program) weight(field, device string, w uint16) {
	v := device + strconv.Itoa(int(w))
	if p.v2 {
		s := p.add(field, "io", "io.bfq.weight", v)
		s.altFile, s.altValue = "io.weight", device+strconv.FormatUint(IOWeightFromBlkio(w), 10)
		return
	}
	file, alt := "blkio.weight", "blkio.bfq.weight"
	if device != "" {
		file, alt = "blkio.weight_device", "blkio.bfq.weight_device"
	}
	s := p.add(field, "blkio", file, v)
	s.altFile, s.altValue = alt, v
}

func (p *program) throttle(field, fileV1, keyV2 string, devices []specs.LinuxThrottleDevice) {
	for i := range devices {
		d := &devices[i]
		f := "blockIO." + field + "[" + strconv.Itoa(i) + "].rate"
		rate := strconv.FormatUint(d.Rate, 10)
		if !p.v2 {
			p.add(f, "blkio", fileV1, number(d.LinuxBlockIODevice)+" "+rate)
			continue
		}
		if d.Rate == 0 {
			rate = "max" // 0 removes a limit on v1
		}
		p.add(f, "io", "io.max", number(d.LinuxBlockIODevice)+" "+keyV2+"="+rate)
	}
}

// IOWeightFromBlkio maps v1's weight, 10 to 1000, linearly to v2's io.weight, 1 to 10000. 0, "not
// set", stays 0.
func IOWeightFromBlkio(w uint16) uint64 {
	if w == 0 {
		return 0
	}
	return 1 + (uint64(max(w, 10))-10)*9999/990
}

func number(d specs.LinuxBlockIODevice) string {
	return strconv.FormatInt(d.Major, 10) + ":" + strconv.FormatInt(d.Minor, 10)
}
