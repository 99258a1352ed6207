package import Cryptography
package import Diagnostics
package import EtcdClient
package import HTTPTransfers
package import Reconciliation

/// Sets of manifests in etcd, below one prefix: `current`, which names the one that serves, and `sets/HASH/PATH`.
///
/// A set is never changed: another one is put beside it, and then named. So one put is the whole change, for everybody.
package struct SetStore: Sendable {
    package let address: EtcdAddress
    let requests: EtcdRequests

    package init(_ address: EtcdAddress, _ access: EtcdAccess, on loop: TransferLoop) {
        self.address = address
        requests = EtcdRequests(access, on: loop)
    }

    // MARK: Reading

    /// What is named, and when that was put there; 0 if nothing is.
    func current() async throws(EtcdFailure) -> (bytes: [UInt8]?, revision: Int64) {
        let found = try await requests.entry(of: address.currentKey)
        return (found.entry?.value, found.entry?.revision ?? 0)
    }

    /// The files of a set as they lie there, if they are what its name says.
    /// - Returns: Sorted by path; or what is wrong with them.
    func files(of hash: String) async throws(EtcdFailure) -> Result<[ManifestSource], Rejection> {
        let prefix = address.setPrefix(hash)
        let entries: EtcdEntries
        do throws(EtcdFailure) {
            entries = try await requests.entries(
                below: prefix, byteLimit: SetFiles.byteLimit + SetFiles.countLimit * prefix.count,
                countLimit: SetFiles.countLimit)
        } catch {
            guard error.isTooLarge else { throw error }
            return .failure(
                Rejection([
                    Diagnostic(
                        .setTooLarge, at: place(hash), found: error.description,
                        expected: "at most \(SetFiles.countLimit) files and \(SetFiles.byteLimit >> 20) MiB in a set",
                        remedy: "push a set with `heddle push`, which says what is too large")
                ]))
        }
        var files: [ManifestSource] = []
        for (key, entry) in entries.values {
            guard let path = String(validating: key.dropFirst(prefix.count), as: UTF8.self) else {
                return .failure(Rejection([damaged(hash, "a key that is not UTF-8")]))
            }
            files.append(ManifestSource(path: path, bytes: entry.value))
        }
        // The name says all of it, and so comes first: mistakes in a set that is another are nobody's.
        guard SetHash.of(files) == hash else {
            return .failure(
                Rejection([
                    damaged(
                        hash,
                        files.isEmpty
                            ? "nothing below it" : "\(files.count) files that are not the set, or not all of it")
                ]))
        }
        let problems = SetFiles.problems(of: files)
        guard problems.isEmpty else { return .failure(Rejection(problems)) }
        return .success(files.sorted { $0.path < $1.path })
    }

    private func damaged(_ hash: String, _ found: String) -> Diagnostic {
        Diagnostic(
            .setDamaged, at: place(hash), found: found, expected: "the files whose digest is its name, and no others",
            remedy: "push the set anew with `heddle push`")
    }

    private func place(_ hash: String) -> SourcePosition { .place("\(address.prefix)/sets/\(hash)") }

    /// What is said where it cannot be asked.
    /// - Parameter isFollowed: It is asked again by itself.
    func away(_ failure: EtcdFailure, isFollowed: Bool) -> Diagnostic {
        Diagnostic(
            .setAway, at: .place(address.description), found: failure.description, expected: "an etcd that answers",
            remedy: "start it, or correct the address" + (isFollowed ? "; it is asked again by itself" : ""))
    }

    // MARK: Writing

    /// Who signs a set.
    package struct Signer: Sendable {
        let key: PrivateKey
        let origin: String

        package init(_ key: PrivateKey, origin: String) {
            self.key = key
            self.origin = origin
        }
    }

    package enum Pushed: Sendable {
        /// It is named now. The warnings are of what could not be cleared away.
        case named(SetRecord, warnings: [Diagnostic])
        /// It was named before.
        case unchanged(SetRecord)
    }

    /// Etcd's own limit is 128 steps in a transaction, and 1.5 MiB.
    private static let stepLimit = 100
    private static let batchByteLimit = 1 << 20
    /// Sets that are kept, the one that is named among them.
    package static let keptCount = 10

    /// Puts a set there, and then names it.
    /// - Parameters:
    ///   - expected: When what is named was put there, as whoever made this set has seen it; `nil`: whichever is.
    ///   - now: Milliseconds since 1970.
    package func push(
        _ files: [ManifestSource], signer: Signer?, expecting expected: Int64? = nil, now: UInt64
    ) async throws(Rejection) -> Pushed {
        let problems = SetFiles.problems(of: files)
        guard problems.isEmpty else { throw Rejection(problems) }
        let found = try await asked { () async throws(EtcdFailure) in try await current() }
        guard expected == nil || expected == found.revision else { throw Rejection([conflict]) }
        let former = found.bytes.flatMap(SetRecord.init)
        let hash = SetHash.of(files)
        // What is signed gets a new number each time: the one that is named may be an old one that somebody has put back.
        if signer == nil, let former, former.hash == hash, former.signature == nil,
            case .success = try await asked({ () async throws(EtcdFailure) in try await self.files(of: hash) })
        {
            return .unchanged(former)
        }
        let record = try record(hash, after: former, signer, now)
        let isNamed = EtcdTransaction.Condition.unchanged(key: address.currentKey, revision: found.revision)
        let batches = try await asked { () async throws(EtcdFailure) in
            try await self.batches(files, hash, isCurrent: former?.hash == hash)
        }
        for steps in batches { _ = try await commit(EtcdTransaction(where: [isNamed], steps), isNaming: false) }
        let naming = EtcdTransaction(where: [isNamed], [.put(key: address.currentKey, value: record.bytes)])
        let revision = try await commit(naming, isNaming: true)
        return .named(record, warnings: await clearAway(after: revision, except: hash))
    }

    private func asked<Value: Sendable>(
        _ question: () async throws(EtcdFailure) -> Value
    ) async throws(Rejection) -> Value {
        do throws(EtcdFailure) { return try await question() } catch {
            throw Rejection([away(error, isFollowed: false)])
        }
    }

    private func commit(_ transaction: EtcdTransaction, isNaming: Bool) async throws(Rejection) -> Int64 {
        let revision: Int64?
        do throws(EtcdFailure) { revision = try await requests.commit(transaction) } catch {
            throw Rejection([unwritable(error, isNaming: isNaming)])
        }
        guard let revision else { throw Rejection([conflict]) }
        return revision
    }

    private func record(
        _ hash: String, after former: SetRecord?, _ signer: Signer?, _ now: UInt64
    ) throws(Rejection) -> SetRecord {
        let number = max(now, former.map { $0.number &+ 1 } ?? 0)
        let plain = SetRecord(hash: hash, number: number)
        guard let signer else { return plain }
        do throws(CryptographyError) {
            let signature = try Ed25519.signature(
                of: plain.message(at: address.prefix), by: signer.key, origin: signer.origin)
            return SetRecord(hash: hash, number: number, signature: signature)
        } catch {
            throw Rejection([
                Diagnostic(
                    .setUnsigned, at: .place(signer.origin), found: error.message,
                    expected: "a private key that signs with Ed25519", remedy: "name another with --sign")
            ])
        }
    }

    /// What puts a set there, in steps of which some fit into a transaction.
    private func batches(
        _ files: [ManifestSource], _ hash: String, isCurrent: Bool
    ) async throws(EtcdFailure) -> [[EtcdTransaction.Step]] {
        let prefix = address.setPrefix(hash)
        var batches: [[EtcdTransaction.Step]] = []
        var batch: [EtcdTransaction.Step] = []
        if isCurrent {
            // Somebody has altered it where it lies, and it is read now: what does not belong there goes alone.
            let names = Set(files.map { prefix + Array($0.path.utf8) })
            let found = try await requests.entries(
                below: prefix, byteLimit: SetFiles.byteLimit * 4, countLimit: SetFiles.countLimit * 4)
            let strange = found.values.keys.filter { !names.contains($0) }.map { EtcdTransaction.Step.delete(key: $0) }
            batches = stride(from: 0, to: strange.count, by: Self.stepLimit).map {
                Array(strange[$0..<min($0 + Self.stepLimit, strange.count)])
            }
        } else {
            batches.append([.deleteAll(prefix: prefix)])
        }
        var byteCount = 0
        for file in files {
            let size = file.bytes.count + file.path.utf8.count + prefix.count
            if !batch.isEmpty, batch.count == Self.stepLimit || byteCount + size > Self.batchByteLimit {
                batches.append(batch)
                (batch, byteCount) = ([], 0)
            }
            batch.append(.put(key: prefix + Array(file.path.utf8), value: file.bytes))
            byteCount += size
        }
        return batch.isEmpty ? batches : batches + [batch]
    }

    /// Removes the oldest sets. None that was touched after this one was named: somebody may be about to name it.
    private func clearAway(after revision: Int64, except named: String) async -> [Diagnostic] {
        do throws(EtcdFailure) {
            let prefix = address.setsPrefix
            var sets: [(prefix: [UInt8], revision: Int64)] = []
            var start = prefix
            while sets.count < Self.lookedAtCount,
                let key = try await requests.firstKey(from: start, below: prefix, at: revision)
            {
                let name = key.dropFirst(prefix.count).prefix { $0 != UInt8(ascii: "/") }
                let set = prefix + Array(name) + [UInt8(ascii: "/")]
                start = prefix + Array(name) + [UInt8(ascii: "/") + 1]
                guard !name.elementsEqual(named.utf8) else { continue }
                sets.append((set, try await requests.newestRevision(below: set)))
            }
            sets.sort { $0.revision > $1.revision }
            let isNamed = EtcdTransaction.Condition.unchanged(key: address.currentKey, revision: revision)
            for set in sets.dropFirst(Self.keptCount - 1) {
                let isOld = EtcdTransaction.Condition.allOlder(prefix: set.prefix, than: revision)
                _ = try await requests.commit(
                    EtcdTransaction(where: [isNamed, isOld], [.deleteAll(prefix: set.prefix)]))
            }
            return []
        } catch {
            return [
                Diagnostic(
                    .setUnwritable, .warning, at: .place(address.description),
                    found: "old sets that cannot be removed: \(error)", expected: "at most \(Self.keptCount) sets",
                    remedy: "the next push tries it again")
            ]
        }
    }

    /// Names below `sets/` that one push looks at.
    private static let lookedAtCount = 100

    private var conflict: Diagnostic {
        Diagnostic(
            .setConflict, at: .place(address.description), found: "another set than the one that this was made for",
            expected: "what was there when it was begun: somebody else has pushed meanwhile",
            remedy: "see what there is now, and do it once more")
    }

    private func unwritable(_ failure: EtcdFailure, isNaming: Bool) -> Diagnostic {
        Diagnostic(
            .setUnwritable, at: .place(address.description),
            found: failure.description + (isNaming && failure.isUnknown ? ": the set may be named now, or not" : ""),
            expected: "an etcd that takes it",
            remedy: "see that it answers, and that its user may write below \(address.prefix); then do it once more")
    }
}
