import CCurl
import Glibc

/// A transfer that libcurl carries out, and what it calls for it.
///
/// SAFETY: `handle` is freed once, by `free`, after which libcurl calls nothing more; until then the loop has the object, whose
/// address libcurl has. The request's body lies in memory of the object's own.
@safe
final class RunningTransfer {
    let id: TransferLoop.TransferID
    let receiver: any TransferReceiver
    private(set) var handle: OpaquePointer?
    private let body: UnsafeMutableBufferPointer<UInt8>
    private var head = TransferHead()
    private var fieldByteCount = 0
    private var isUnwanted = false
    private var refusal: TransferFailure?

    /// Of a head, as they come. Default: 64 KiB.
    private static let headLimit = 64 * 1024

    /// - Returns: `nil`: libcurl refuses it, and the receiver has been told.
    init?(
        _ request: TransferRequest, _ receiver: any TransferReceiver, _ id: TransferLoop.TransferID,
        on loop: OpaquePointer
    ) {
        self.id = id
        self.receiver = receiver
        unsafe body = .allocate(capacity: request.body?.count ?? 0)
        _ = unsafe body.initialize(from: request.body ?? [])
        var error: UnsafePointer<CChar>?
        unsafe handle = request.withCRequest(body: body) { cRequest in
            unsafe CCurl_start(loop, cRequest, self.callbacks, &error)
        }
        if unsafe handle != nil { return }
        receiver.ended(TransferFailure(unsafe error.map { unsafe String(cString: $0) } ?? "it cannot be started"))
        return nil
    }

    deinit { unsafe body.deallocate() }

    private var callbacks: CCurl_receiver {
        unsafe CCurl_receiver(
            context: Unmanaged.passUnretained(self).toOpaque(),
            line: { context, bytes, count in
                let transfer = unsafe Unmanaged<RunningTransfer>.fromOpaque(context!).takeUnretainedValue()
                unsafe transfer.take(line: UnsafeRawBufferPointer(start: bytes, count: count))
            },
            piece: { context, bytes, count in
                let transfer = unsafe Unmanaged<RunningTransfer>.fromOpaque(context!).takeUnretainedValue()
                return unsafe transfer.take(piece: UnsafeRawBufferPointer(start: bytes, count: count))
            })
    }

    private func take(line: UnsafeRawBufferPointer) {
        fieldByteCount += line.count
        guard refusal == nil else { return }
        guard fieldByteCount <= Self.headLimit else {
            refusal = TransferFailure("its answer's head is larger than \(Self.headLimit) bytes")
            return
        }
        let bytes = unsafe line.last == UInt8(ascii: "\n") ? unsafe line.dropLast() : unsafe line[...]
        let text = unsafe String(decoding: bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes, as: UTF8.self)
        if text.hasPrefix("HTTP/") {
            // Of an answer before the last, as 100 is, nothing is kept.
            head = TransferHead(status: text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
        } else if text.isEmpty {
            if head.status >= 200 { receiver.received(head) }
        } else if let colon = text.firstIndex(of: ":") {
            let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            head.fields.append((text[..<colon].lowercased(), String(value)))
        }
    }

    private func take(piece: UnsafeRawBufferPointer) -> Bool {
        guard refusal == nil else { return false }
        isUnwanted = unsafe !receiver.received(piece)
        return !isUnwanted
    }

    func end(_ result: CInt, on loop: OpaquePointer) {
        var failure = refusal
        if failure == nil, result != 0, !isUnwanted, let handle = unsafe handle {
            failure = TransferFailure(unsafe String(cString: CCurl_error(handle, result)))
        }
        unsafe free(on: loop)
        receiver.ended(failure)
    }

    func free(on loop: OpaquePointer) {
        guard let handle = unsafe handle else { return }
        unsafe CCurl_free(loop, handle)
        unsafe self.handle = nil
    }
}

extension TransferRequest {
    /// - Parameter body: Lives as long as the transfer.
    fileprivate func withCRequest<Result>(
        body: UnsafeMutableBufferPointer<UInt8>, _ use: (UnsafePointer<CCurl_request>) -> Result
    ) -> Result {
        let texts = [url, method, trust.authorityFile, trust.certificateFile, trust.keyFile]
        let copies = unsafe (texts + fields.map { "\($0.name): \($0.value)" }).map { text in
            unsafe text.map { unsafe strdup($0)! }
        }
        defer {
            for index in unsafe copies.indices { unsafe free(copies[index]) }
        }
        let lines = unsafe copies.dropFirst(texts.count).map { unsafe UnsafePointer($0) }
        return unsafe lines.withUnsafeBufferPointer { lines in
            var request = unsafe CCurl_request(
                url: copies[0], method: copies[1], fields: lines.baseAddress, field_count: lines.count,
                body: self.body == nil ? nil : UnsafePointer(body.baseAddress), body_count: body.count,
                ca_file: copies[2], certificate_file: copies[3], key_file: copies[4],
                connect_milliseconds: connectTime.milliseconds,
                total_milliseconds: totalTime.map(\.milliseconds) ?? 0, silence_milliseconds: silence.milliseconds)
            return unsafe use(&request)
        }
    }
}

extension Duration {
    /// Rounded up, so that a time is never none.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(seconds) * 1000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
