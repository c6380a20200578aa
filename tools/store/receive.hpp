#pragma once

#include "tools/store/service.hpp"

namespace act::store {

/// Bytes on their way into the store: in memory when few, else in a data file that goes away unless the index
/// takes it.
struct received {
    id piece = 0;
    std::uint64_t size = 0;
    buffer small;
    files::fresh file;
    std::uint64_t crc64 = 0;
    std::string md5;  ///< raw; empty when it was not computed

    content_ref ref() const {
        return size == 0 ? content_ref() : content_ref{content_ref::form::piece, piece};
    }
    /// The first reference to the piece. In a transaction, which may run again.
    void place(writer&) const;
    /// After the commit.
    void keep() { file.keep(); }
};

/// Takes bytes in tiles, hashes them, and puts them into a piece.
class receiver {
public:
    receiver(service&, std::uint64_t size, bool with_md5);
    /// Must be called before the first tile.
    task<result<void>> open();
    /// The next tile's room: all of it must be filled (the last one is as long as what is left).
    std::span<std::byte> room();
    result<void> filled();
    bool done() const { return taken_ == out_.size; }
    task<result<received>> finish();

private:
    service& s_;
    received out_;
    buffer tile_;
    std::uint64_t taken_ = 0;
    std::optional<codec::digest> md5_;
};

/// The checksums that a client declares for the body of its request.
struct declared {
    std::optional<std::uint64_t> crc64;
    std::string md5;  ///< raw

    static outcome<declared> of(const call&, const char* crc64_header, const char* md5_header);
    outcome<> check(const received&) const;
};

/// A request's body, up to `limit` bytes, checked against Content-MD5 and x-ms-content-crc64. `md5_up_to`:
/// bodies of at most that size get an MD5 although nobody asked.
task<outcome<received>> receive(service&, call&, http::server_exchange&, std::uint64_t limit,
                                std::uint64_t md5_up_to);
/// The checksum that the answer carries: Content-MD5 if the client sent one, else the CRC64.
void add_checksum(http::fields&, const call&, const received&);

}  // namespace act::store
