#include "transfer/ops/copy_blob.hpp"

#include "transfer/ops/blob_part.hpp"
#include "transfer/ops/move_source.hpp"
#include "transfer/ops/upload_file.hpp"
#include "transfer/plan/content_hash.hpp"

namespace act::ops {

namespace {

using namespace std::chrono_literals;

// By how much this machine's clock and the service's may differ.
constexpr auto clock_slack = 5min;

/// A service that does not know source keys refuses their version or headers, or passes over them, and the
/// source then asks for the key.
bool refuses_source_key(const error& e) {
    return e.code() == "InvalidHeaderValue" || e.code() == "UnsupportedHeader" ||
           e.kind() == kind::unsupported ||
           (e.code() == "CannotVerifyCopySource" && e.kind() == kind::configuration);
}

}  // namespace

blob_copy::blob_copy(copy_run& run, copy_item item)
    : run_(run),
      item_(std::move(item)),
      from_{run.from.container, item_.source.name},
      to_{run.to.container, item_.blob} {}

task<void> blob_copy::run() {
    if (run_.op.stop().requested()) co_return;
    auto outcome = co_await send();
    if (!outcome && refused_by_condition(outcome.error())) {
        if (!item_.existing && run_.options.overwrite == plan::overwrite::never) {
            retreat();
            run_.op.skipped(item_.source.name, item_.source.size);
            co_return;
        }
        outcome = co_await look_again(outcome.error());
    }
    if (!outcome) {
        retreat();
        run_.op.failed(item_.source.name, explained(outcome.error()), {from_.name, to_.name});
        co_return;
    }
    if (auto carried = co_await carry_permissions(); !carried) {
        retreat();
        run_.permissions->failed(item_.source.name, carried.error(), {from_.name, to_.name});
        co_return;
    }
    auto parted = co_await part_with_source();
    if (parted) {
        report();
    } else {
        retreat();
        run_.op.failed(item_.source.name, parted.error(), {from_.name, to_.name});
    }
}

task<result<void>> blob_copy::carry_permissions() {
    if (!run_.permissions || item_.permit_later) co_return result<void>();
    ACT_CO_TRY(blob::etag now, co_await run_.permissions->carry(from_.name, to_.name, way_.has_value()));
    if (now.empty()) co_return result<void>();
    if (way_) {
        wrote(std::move(now));
    } else if (item_.existing) {
        item_.existing->etag = std::move(now);
    }
    co_return result<void>();
}

task<result<void>> blob_copy::part_with_source() {
    // Folders go last, when nothing is in them any more.
    if (!run_.options.remove_source || item_.source.is_directory) co_return result<void>();
    co_return co_await remove_copied(run_.from.client, from_, item_.source.etag, run_.op.patience());
}

/// What stands there may be the same: the service carries out what a killed run has asked for. Or a listing
/// out of order has passed over it. All else that came after this run began is somebody else's new work, and
/// stays.
task<result<void>> blob_copy::look_again(error why) {
    auto seen = co_await run_.to.client.head(to_, run_.op.patience());
    if (!seen) co_return seen.error().kind() == kind::not_found ? why : seen.error();
    const plan::replace_rule rule{plan::overwrite::different, run_.options.compare_content};
    // A folder may have come with something that was put into it.
    const bool same = item_.source.is_directory ? seen->is_directory
                                                : plan::stays(rule, item_.source, *seen, run_.options.given);
    if (same) {
        item_.existing = std::move(*seen);
        unchanged();
        co_return result<void>();
    }
    if (item_.existing || seen->modified >= run_.began - clock_slack) co_return why;
    item_.existing = std::move(*seen);
    retreat();
    co_return co_await send();
}

error blob_copy::explained(error e) const {
    if (e.code() == "SourceConditionNotMet") {
        return error(kind::precondition, "blob '" + from_.name + "' was changed while it was copied",
                     "run the same command again")
            .with_service(e.code(), e.status(), e.request_id());
    }
    if (refused_by_condition(e)) {
        return error(kind::precondition,
                     "blob '" + to_.name +
                         "' at the destination was changed by somebody else meanwhile; it is left as it is",
                     "run the same command again")
            .with_service(e.code(), e.status(), e.request_id());
    }
    return e;
}

void blob_copy::report() {
    if (!way_) {
        run_.op.skipped(item_.source.name, item_.source.size);
        record(run_, item_, item_.existing ? item_.existing->etag : blob::etag(), hash(), true);
        return;
    }
    run_.op.done("copy", item_.source.name, item_.source.size);
    run_.op.count(*way_ == way::server_side ? &summary::server_side : &summary::through_client);
    record(run_, item_, written_, hash(), false);
}

std::string blob_copy::hash() const { return plan::md5_hash(item_.source.content.md5); }

blob::write_options blob_copy::description() const {
    const blob::properties& s = item_.source;
    blob::write_options out;
    out.content = s.content;
    out.metadata = s.metadata;
    if (s.is_directory) out.metadata["hdi_isfolder"] = "true";
    out.tags = s.tags;
    const plan::property_changes& given = run_.options.given;
    // The account's default is the destination's own affair; other types of blob have other tiers.
    if (s.type == blob::blob_type::block)
        out.tier = !given.tier.empty() || s.tier_inferred ? given.tier : s.tier;
    if (!given.empty() && !s.is_directory) {
        out.content = plan::merged_headers(std::move(out.content), given.headers);
        out.metadata = plan::merged(std::move(out.metadata), given.metadata);
        out.tags = plan::merged(std::move(out.tags), given.tags);
    }
    out.when = as_seen(item_.existing);
    return out;
}

task<result<void>> blob_copy::by_service(copy_link::form form, const request_to_copy& ask, until u) {
    copy_link& link = run_.from.link;
    for (bool again = false;; again = true) {
        if (!link.may(form)) {
            co_return error(kind::unsupported, "the destination does not copy in this form");
        }
        ACT_CO_TRY(auto key, source_key(form));
        ACT_CO_TRY(blob::copy_origin from, co_await link.origin(from_, item_.source, u));
        const bool keyed = key != nullptr;
        from.key = std::move(key);
        auto outcome = co_await ask(std::move(from));
        // What of a keyed request looks like a refusal is one of the key: other blobs may do without.
        if (!outcome && keyed && refuses_source_key(outcome.error())) {
            link.remember_key_refused(outcome.error());
            error why = outcome.error();
            co_return error(kind::unsupported, why.message(), why.advice());
        }
        if (outcome || again || !co_await link.renew(outcome.error(), u)) co_return outcome;
    }
}

result<std::shared_ptr<const blob::customer_key>> blob_copy::source_key(copy_link::form form) const {
    const std::string& wanted = item_.source.key_sha256;
    auto key = run_.from.client.account().encryption.key;
    if (wanted.empty()) return std::shared_ptr<const blob::customer_key>();
    if (!key || key->sha256() != wanted) {
        error why(kind::configuration,
                  "blob '" + from_.name + "' is encrypted with " +
                      (key ? "another customer-provided key than the one that was given"
                           : "a customer-provided key, which was not given"),
                  "give the key that it was written with: --customer-key, or customer_key in the account "
                  "file of the source");
        return std::move(why).with_service(std::string(key ? blob::other_encryption : blob::needs_encryption),
                                           0, {});
    }
    if (form == copy_link::form::whole_blob || !run_.from.link.may_show_key(run_.to.client))
        return error(kind::unsupported, "the destination is not shown the key of the source");
    return key;
}

task<result<void>> blob_copy::put_from_url(until u) {
    const request_to_copy ask = [&](blob::copy_origin from) -> task<result<void>> {
        const auto form = blob::copy_form::put_from_url;
        auto written = co_await run_.to.client.copy(form, std::move(from), to_, description(), u);
        if (!written) co_return written.error();
        wrote(std::move(written->written.etag));
        co_return result<void>();
    };
    co_return co_await by_service(copy_link::form::put_blob, ask, u);
}

task<result<blob::body_checksum>> blob_copy::read_source(plan::block_range range,
                                                         const std::optional<codec::hash128>& hash,
                                                         std::span<std::byte> into, until u) {
    second_chances more(reinterpret_cast<std::uintptr_t>(this) + range.offset);
    for (;;) {
        auto got = co_await read_once(range, hash, into, u);
        if (got) co_return got;
        if (!co_await more.after(got.error(), u)) co_return got.error();
    }
}

task<result<blob::body_checksum>> blob_copy::read_once(plan::block_range range,
                                                       const std::optional<codec::hash128>& hash,
                                                       std::span<std::byte> into, until u) {
    // What our hash proves comes in one request; else only so much has a checksum of the service's.
    const std::uint64_t step = hash ? range.length : blob::max_checked_range;
    std::optional<std::uint64_t> crc = 0;
    for (std::uint64_t at = 0; at < range.length; at += step) {
        const std::uint64_t length = std::min(step, range.length - at);
        auto opened =
            co_await open_part(run_.from.client, from_, item_.source.etag, {range.offset + at, length}, u);
        if (!opened) {
            error why = opened.error();
            if (why.kind() != kind::precondition) co_return why;
            co_return std::move(why).with_service("SourceConditionNotMet", 412, {});
        }
        blob::download d = std::move(*opened);
        ACT_CO_TRY_VOID(co_await run_.from.client.read_verified(d, into.subspan(at, length), u));
        crc = crc && d.range_crc64 ? std::optional(codec::crc64_combine(*crc, *d.range_crc64, length))
                                   : std::nullopt;
    }
    if (hash && codec::xxh3_of(into) != *hash) co_return block_differs(from_);
    co_return blob::body_checksum{crc};
}

namespace {

class nothing_to_copy final : public blob_copy {
public:
    using blob_copy::blob_copy;

private:
    task<result<void>> send() override { co_return result<void>(); }
    std::string hash() const override {
        const auto& md5 = item_.existing->content.md5;
        return md5.empty() ? blob_copy::hash() : plan::md5_hash(md5);
    }
};

}  // namespace

void record(const copy_run& run, const copy_item& item, const blob::etag& etag, std::string hash,
            bool unchanged) {
    if (!run.op.records()) return;
    act::record what;
    what.folder = item.source.is_directory;
    what.size = item.source.size;
    what.etag = etag.text;
    if (!what.folder) what.modified = plan::file_time(item.source);
    what.hash = std::move(hash);
    what.unchanged = unchanged;
    run.op.record({item.source.name, item.blob}, std::move(what));
}

std::unique_ptr<job> copy_not_needed(copy_run& run, copy_item item) {
    return std::make_unique<nothing_to_copy>(run, std::move(item));
}

}  // namespace act::ops
