// What comes from the network and is taken apart by hand: listings (in chunks as the input says), batch
// answers, the small documents, errors, signatures' strings. No input may do worse than give an error.

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "transfer/auth/credential.hpp"
#include "transfer/auth/sas.hpp"
#include "transfer/blob/batch.hpp"
#include "transfer/blob/documents.hpp"
#include "transfer/blob/errors.hpp"
#include "transfer/blob/listing.hpp"
#include "transfer/blob/listing_arrow.hpp"

namespace {

using namespace act;

struct outcome {
    bool good;
    std::size_t items;
    std::string marker;
    bool operator==(const outcome&) const = default;
};

outcome scan(std::string_view text, std::size_t piece) {
    blob::listing_scanner s;
    outcome out{true, 0, {}};
    while (out.good && !text.empty()) {
        auto chunk = text.substr(0, piece);
        out.good = s.feed(chunk).has_value();
        text.remove_prefix(chunk.size());
    }
    out.good = out.good && s.finish().has_value();
    if (out.good) out.items = s.items().size(), out.marker = s.next_marker();
    return out;
}

void listing(std::string_view text) {
    // Wherever the chunks end, the listing is the same.
    auto whole = scan(text, text.size());
    for (std::size_t piece : {1, 3, 64}) {
        if (scan(text, piece) != whole) std::abort();
    }
    // And whichever way it is read: such a tag is not compared with one before.
    std::string slow(text);
    for (std::size_t at = 0; (at = slow.find("<Blob>", at)) != slow.npos;) slow.insert(at + 5, 1, ' ');
    const auto other = scan(slow, slow.size());
    if (other.good != whole.good || other.items != whole.items) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 9) {
        case 0:
            listing(text);
            break;
        case 1:
            listing("<EnumerationResults><Blobs><Blob>" + std::string(text));
            break;
        case 2: {
            auto parts = blob::read_batch("multipart/mixed; boundary=b", text);
            if (parts) {
                for (const auto& p : *parts) (void)blob::batch_status(p);
            }
            (void)blob::read_batch(text, "--b\r\n\r\n--b--");
            break;
        }
        case 3:
            (void)blob::read_block_list(text);
            (void)blob::read_page_list(text);
            break;
        case 4:
            (void)blob::read_block_references(text);
            break;
        case 5:
            (void)blob::read_tags(text);
            (void)blob::read_containers(text);
            break;
        case 6:
            (void)blob::fold(blob::read_error(400, {}, text), "x").describe();
            break;
        case 7:
            if (auto s = auth::parse_sas(text)) (void)auth::string_to_sign(*s, "a", "c", text);
            (void)auth::shared_key_string("GET", "a", text, {}, 0);
            break;
        case 8: {
            auto page = blob::read_arrow_listing(blob::column_bytes::copy_of(text), blob::detail::full);
            if (page) (void)page->take();
            break;
        }
    }
    return 0;
}
