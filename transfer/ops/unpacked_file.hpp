#pragma once

#include "transfer/ops/download_file.hpp"
#include "transfer/ops/unpack.hpp"

namespace act::ops {

/// The file that a compressed blob becomes: takes the blob's content in order, and appears when it is whole.
/// All calls block.
class unpacked_file {
public:
    /// The item's blob and target; both outlive this.
    static result<unpacked_file> create(download_run&, const download_item&, codec::inflate_stream::format);

    /// kind::integrity when the content is damaged.
    result<void> feed(std::span<const std::byte>, const until&);
    /// kind::integrity when the content has not come to its end. False when something came there meanwhile
    /// that is not to be replaced.
    result<bool> publish();

private:
    unpacked_file(download_run& run, const download_item& item, file::aside target,
                  codec::inflate_stream unpack)
        : run_(&run), item_(&item), target_(std::move(target)), unpack_(std::move(unpack)) {}

    download_run* run_;
    const download_item* item_;
    file::aside target_;
    codec::inflate_stream unpack_;
    std::uint64_t size_ = 0;
};

}  // namespace act::ops
