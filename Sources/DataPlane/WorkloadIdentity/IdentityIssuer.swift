import CommonValues
import Cryptography
package import Logging
package import SPIFFE
import Synchronization
package import SystemInterfaces
import TransportSecurity

/// Issues the identities of this node and renews them in time.
///
/// A reload calls `prepare`, which does all that can fail, and `commit`, which cannot. In between `run` renews what is due
/// and takes up an authority whose files were replaced. Whoever serves with the identities follows `snapshots()`.
package final class IdentityIssuer: Sendable {
    fileprivate struct Serving {
        let settings: IssuingSettings
        let authority: Authority
        let trust: TrustRecord
        /// What lies in the state folder of it; `nil`: nothing that could be read.
        let trustFile: [UInt8]?
        let renewals: [SPIFFEID: RenewalSchedule]
        let snapshot: IdentitySnapshot
    }

    private struct State {
        var serving: Serving?
        var lastNumber: UInt64 = 0
        /// Prepared and neither committed nor dropped. Renewing waits for them, or a commit would undo it.
        var openPreparations = 0
        var random: any RandomNumberGenerator & Sendable
        var problem: IdentityError?
        /// Why the trust record is not on the disk as it should be.
        var recordProblem: IdentityError?
        var followers: [UInt64: AsyncStream<IdentitySnapshot>.Continuation] = [:]
        var lastFollower: UInt64 = 0
        /// A copy of what is so: nothing that is done with it may leave a trace.
        var isRehearsal = false
    }

    /// How often, at least, an authority's files are read again and due renewals looked for: 5 s.
    package static let checkInterval = Duration.seconds(5)

    /// `problem` has become another, or none, without a reload. Several changes may be one element. For one reader.
    package let problemChanges: AsyncStream<Void>
    private let problemChanged: AsyncStream<Void>.Continuation
    private let stateFolder: HeldFolder
    private let clock: IdentityClock
    private let logger: Logger
    private let state: Mutex<State>

    /// - Parameter stateFolder: Where `authority/` is made.
    package init(
        stateFolder: HeldFolder, clock: IdentityClock = .system,
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator(), logger: Logger
    ) {
        self.stateFolder = stateFolder
        self.clock = clock
        self.logger = logger
        state = Mutex(State(random: random))
        (problemChanges, problemChanged) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// What is served now; `nil` before the first commit.
    package var snapshot: IdentitySnapshot? { state.withLock { $0.serving?.snapshot } }

    /// Why the last renewal failed; `nil` if it did not. What was issued before goes on serving.
    package var problem: IdentityError? { state.withLock { $0.problem } }

    /// The same, but as it is now: what failed is tried again first, as the authority's files may be others since.
    package func problemNow() -> IdentityError? {
        if problem != nil { renew() }
        return problem
    }

    /// Every snapshot from now on, the one served first. A slow follower gets only the newest.
    package func snapshots() -> AsyncStream<IdentitySnapshot> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: IdentitySnapshot.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.lastFollower += 1
            state.followers[state.lastFollower] = continuation
            if let snapshot = state.serving?.snapshot { continuation.yield(snapshot) }
            return state.lastFollower
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { $0.followers[number] = nil }
        }
        return stream
    }

    // MARK: Reloads

    /// Identities that can be committed. Dropping them changes nothing.
    package final class Prepared: Sendable {
        /// What will be served, for whoever has to prepare for it.
        package var snapshot: IdentitySnapshot { serving.snapshot }
        fileprivate let serving: Serving
        private let issuer: IdentityIssuer

        fileprivate init(_ serving: Serving, _ issuer: IdentityIssuer) {
            self.serving = serving
            self.issuer = issuer
        }

        deinit { issuer.state.withLock { $0.openPreparations -= 1 } }
    }

    /// Reads or makes the authority and issues what is missing; identities that are served and still fit are kept.
    /// - Parameter ids: The service accounts of this node's workloads and gateways, of the settings' trust domain.
    package func prepare(ids: Set<SPIFFEID>, settings: IssuingSettings) throws(IdentityError) -> Prepared {
        let result: Result<Serving, IdentityError> = state.withLock { state in
            do throws(IdentityError) {
                let next = try next(ids: ids, settings: settings, &state)
                state.openPreparations += 1
                return .success(next)
            } catch {
                return .failure(error)
            }
        }
        return Prepared(try result.get(), self)
    }

    /// What `prepare` would make or throw, without a trace: in the state folder it looks only.
    package func rehearse(ids: Set<SPIFFEID>, settings: IssuingSettings) throws(IdentityError) -> IdentitySnapshot {
        let result: Result<Serving, IdentityError> = state.withLock { state in
            var copy = state
            copy.isRehearsal = true
            do throws(IdentityError) { return .success(try next(ids: ids, settings: settings, &copy)) } catch {
                return .failure(error)
            }
        }
        return try result.get().snapshot
    }

    /// Serves what was prepared.
    package func commit(_ prepared: Prepared) {
        state.withLock { state in
            state.problem = nil
            serve(prepared.serving, &state)
        }
    }

    // MARK: Renewal

    /// Renews until the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            guard (try? await clock.sleep(untilNextCheck())) != nil else { return }
            renew()
        }
    }

    /// Reads the authority again and renews what is due. A failure is kept in `problem`.
    package func renew() {
        state.withLock { state in
            guard let serving = state.serving, state.openPreparations == 0 else { return }
            do throws(IdentityError) {
                let ids = Set(serving.snapshot.identities.keys)
                let next = try next(ids: ids, settings: serving.settings, &state)
                note(nil, &state)
                if next.snapshot.number != serving.snapshot.number { serve(next, &state) }
            } catch {
                note(error, &state)
            }
        }
    }

    private func note(_ problem: IdentityError?, _ state: inout State) {
        if problem != state.problem { problemChanged.yield() }
        state.problem = problem
    }

    private func untilNextCheck() -> Duration {
        state.withLock { state in
            guard state.problem == nil, let next = state.serving?.renewals.values.map(\.renewal).min() else {
                return Self.checkInterval
            }
            return min(max(next - clock.now(), .seconds(1)), Self.checkInterval)
        }
    }

    private func serve(_ next: Serving, _ state: inout State) {
        state.serving = next
        for follower in state.followers.values { follower.yield(next.snapshot) }
    }

    // MARK: Deciding

    /// What to serve next; the snapshot that is served now if nothing has to change.
    private func next(
        ids: Set<SPIFFEID>, settings: IssuingSettings, _ state: inout State
    ) throws(IdentityError) -> Serving {
        let now = clock.now()
        let isRehearsal = state.isRehearsal
        let folder = Result { () throws(IdentityError) in
            try SecretsFolder("authority", in: stateFolder, isRehearsal: isRehearsal)
        }
        let current = state.serving
        let authority = try Authority.load(settings, in: folder, at: now, reusing: current?.authority)
        let (trust, trustFile) = recordTrust(authority, settings.trustDomain, in: folder, at: now, &state)

        // A certificate serves on if the same authority would issue it again just so.
        let kept = current.flatMap { current in
            current.authority.signing.certificate == authority.signing.certificate
                && current.settings.svidTTL == settings.svidTTL ? current : nil
        }
        var identities: [SPIFFEID: X509SVID] = [:]
        var renewals: [SPIFFEID: RenewalSchedule] = [:]
        var isChanged = false
        for id in ids {
            if let kept, let identity = kept.snapshot.identities[id], let renewal = kept.renewals[id],
                !renewal.isDue(at: now)
            {
                identities[id] = identity
                renewals[id] = renewal
                continue
            }
            let identity = try issue(id, authority, settings.svidTTL, at: now)
            identities[id] = identity
            renewals[id] = RenewalSchedule(
                start: identity.notBefore, issued: now, expiry: identity.notAfter, using: &state.random)
            isChanged = true
        }

        var bundle = current?.snapshot.bundle
        let roots = trust.roots(at: now)
        if bundle?.trustDomain != settings.trustDomain || bundle?.roots != roots {
            bundle = try makeBundle(settings.trustDomain, roots)
            isChanged = true
        }
        if let current, !isChanged, current.snapshot.authority == authority.roots,
            identities.count == current.snapshot.identities.count
        {
            return Serving(
                settings: settings, authority: authority, trust: trust, trustFile: trustFile, renewals: renewals,
                snapshot: current.snapshot)
        }
        guard let bundle else { throw IdentityError(.issuing, "there is no trust bundle") }
        state.lastNumber += 1
        let snapshot = IdentitySnapshot(
            number: state.lastNumber, bundle: bundle, identities: identities, authority: authority.roots,
            former: trust.former(at: now))
        return Serving(
            settings: settings, authority: authority, trust: trust, trustFile: trustFile, renewals: renewals,
            snapshot: snapshot)
    }

    /// Brings the record in the state folder up to date; it is written only when it changed. Where it cannot be, this process
    /// knows: the next one forgets roots that have gone, which is safe.
    private func recordTrust(
        _ authority: Authority, _ trustDomain: TrustDomain, in folder: Result<SecretsFolder, IdentityError>,
        at now: UnixTime, _ state: inout State
    ) -> (trust: TrustRecord, file: [UInt8]?) {
        // Roots of another trust domain are no roots of this one.
        let current = state.serving.flatMap { $0.settings.trustDomain == trustDomain ? $0 : nil }
        let name = TrustRecord.fileName(trustDomain)
        var trust: TrustRecord?
        var written: [UInt8]?
        do throws(IdentityError) {
            written = try folder.get().read(name)
            let former: TrustRecord
            if let current, current.trustFile == written || state.recordProblem != nil {
                former = current.trust
            } else {
                former = written.flatMap { TrustRecord(fileContents: $0) } ?? TrustRecord()
            }
            let next = former.following(authority.roots, at: now)
            trust = next
            if written == nil || next != former || state.recordProblem != nil {
                let contents = try fileContents(next)
                if contents != written { try folder.get().replace(name, with: contents) }
                written = contents
            }
            state.recordProblem = nil
        } catch {
            if state.recordProblem != error, !state.isRehearsal {
                logger.warning("cannot write down which roots are trusted", metadata: ["reason": "\(error.message)"])
            }
            state.recordProblem = error
        }
        return (trust ?? (current?.trust ?? TrustRecord()).following(authority.roots, at: now), written)
    }

    private func fileContents(_ trust: TrustRecord) throws(IdentityError) -> [UInt8] {
        do throws(CryptographyError) {
            return try trust.fileContents()
        } catch {
            throw IdentityError(.issuing, "cannot write down the trust bundle: \(error.message)", cause: error)
        }
    }

    private func issue(
        _ id: SPIFFEID, _ authority: Authority, _ lifetime: Duration, at now: UnixTime
    ) throws(IdentityError) -> X509SVID {
        do throws(CryptographyError) {
            return try authority.signing.issue(id, lifetime: lifetime, at: now)
        } catch {
            throw IdentityError(.issuing, "cannot issue a certificate for \(id): \(error.message)", cause: error)
        }
    }

    private func makeBundle(_ trustDomain: TrustDomain, _ roots: [Certificate]) throws(IdentityError) -> TrustBundle {
        do throws(CryptographyError) {
            return try TrustBundle(trustDomain: trustDomain, roots: roots)
        } catch {
            throw IdentityError(.issuing, "cannot make a trust bundle: \(error.message)", cause: error)
        }
    }
}
