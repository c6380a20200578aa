#pragma once

#include "tools/store/service.hpp"

namespace act::store {

/// Sends an answer; `head_only` for HEAD requests. Files go by sendfile where the connection allows it.
task<result<void>> send(service&, http::server_exchange&, reply&, bool head_only);

/// Sends the head and half of the body, then ends the connection; a reply without a body is sent as it is.
task<result<void>> send_half(service&, http::server_exchange&, reply&);

/// Reads a reply's content from its start, piece after piece.
class content_reader {
public:
    content_reader(service& s, const reply& r) : s_(s), reply_(r) {}
    /// Fills `into` as far as there is content; 0 at the end.
    result<std::size_t> read(std::span<std::byte> into);
    /// If the content goes on with a data file: the file and the rest of that stretch, which is skipped. -1:
    /// it does not.
    struct stretch {
        int fd = -1;
        std::uint64_t offset = 0, length = 0;
    };
    result<stretch> next_file();
    bool done() const { return at_ == reply_.content.size(); }

private:
    result<int> file_of(id);
    result<void> copy_small(const segment&, std::uint64_t skip, std::span<std::byte> into);
    service& s_;
    const reply& reply_;
    std::size_t at_ = 0;
    std::uint64_t skip_ = 0;  ///< of the segment at_
    file::descriptor open_;
    id open_id_ = 0;
};

struct checksum_pair {
    std::uint64_t crc64 = 0;
    std::string md5;
};
/// Of a reply's content, which is read for that.
task<result<checksum_pair>> checksums(service&, const reply&, bool with_md5);

}  // namespace act::store
