import Bytes
import Simulation
import Testing

@Suite struct SHA256Tests {
  struct File: Decodable {
    struct Vector: Decodable {
      let what, hex, sha256: String
      let times: Int
    }
    let vectors: [Vector]
  }

  @Test("SHA-256 gives every published digest, at once and in pieces")
  func vectors() throws {
    for vector in try VectorFile.load("sha256", as: File.self).vectors {
      let piece = try #require(Hex.decode(vector.hex.utf8))
      let message = Array(repeatElement(piece, count: vector.times).joined())
      #expect(SHA256.hash(message).hex == vector.sha256, "\(vector.what)")
      var hasher = SHA256Hasher()
      for start in stride(from: 0, to: message.count, by: 997) {
        let end = min(start + 997, message.count)
        unsafe hasher.update(message.span.extracting(start..<end).bytes)
      }
      #expect(hasher.finish().hex == vector.sha256, "\(vector.what), in pieces")
    }
  }

  @Test("However 150 bytes are split in two, and byte by byte, the digest is the same")
  func splits() {
    let message = (0..<150).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let expected = SHA256.hash(message)
    var hasher = SHA256Hasher()
    for split in 0...message.count {
      unsafe hasher.update(message.span.extracting(..<split).bytes)
      unsafe hasher.update(message.span.extracting(split...).bytes)
      #expect(hasher.finish() == expected, "split at \(split)")
    }
    for byte in message { hasher.update(byte) }
    #expect(hasher.finish() == expected)
    #expect(hasher.finish() == SHA256.hash([]), "a hasher begins anew after each digest")
  }

  @Test("A hasher that is dropped half-way leaves nothing to the next one")
  func dropped() {
    for _ in 0..<3 {
      var hasher = SHA256Hasher()
      hasher.update(1)
    }
    #expect(SHA256.hash([]).hex.hasPrefix("e3b0c442"))
  }

  @Test("Two hashers in use at once don't mix")
  func together() {
    var one = SHA256Hasher()
    var other = SHA256Hasher()
    for byte: UInt8 in 0..<100 {
      one.update(byte)
      other.update(byte ^ 0xFF)
    }
    #expect(one.finish() == SHA256.hash((0..<100).map { $0 }))
    #expect(other.finish() == SHA256.hash((0..<100).map { $0 ^ 0xFF }))
  }

  @Test("Many tasks hash at once and each gets its own digests")
  func concurrently() async {
    let wrong = await withTaskGroup(of: Int.self) { group in
      for task: UInt8 in 0..<8 {
        group.addTask {
          let message = [UInt8](repeating: task, count: 100)
          let expected = SHA256.hash(message)
          return (0..<2_000).count { _ in SHA256.hash(message) != expected }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(wrong == 0)
  }

  @Test("A prefix is hashed before what follows it")
  func prefix() {
    let one = SHA256.hash([1])
    let other = SHA256.hash([2])
    let rest: [UInt8] = [7, 8]
    let prefixed = unsafe SHA256.hash(prefix: 9, rest.span.bytes)
    #expect(prefixed == SHA256.hash([9, 7, 8]))
    #expect(SHA256.hash(prefix: 9, one, other) == SHA256.hash([9] + one.bytes + other.bytes))
  }
}

@Suite struct DigestTests {
  private let bytes = (0..<32).map { UInt8($0 * 8 + 1) }

  @Test("A digest keeps its bytes, and spells them in base 16 and base 64")
  func spellings() throws {
    let digest = try #require(Digest(bytes: bytes))
    #expect(digest.bytes == bytes)
    #expect(digest.hex == Hex.encode(bytes))
    #expect("\(digest)" == digest.hex)
    #expect(digest.base64 == Base64.encode(bytes))
    #expect(Digest(hex: digest.hex.utf8) == digest)
    var appended: [UInt8] = [9]
    digest.append(to: &appended)
    #expect(appended == [9] + bytes)
  }

  @Test("Only 32 bytes, or 64 small digits, are a digest")
  func refusals() {
    for count in 0..<100 {
      #expect((Digest(bytes: [UInt8](repeating: 0, count: count)) != nil) == (count == 32))
      let digits = [UInt8](repeating: UInt8(ascii: "a"), count: count)
      #expect((Digest(hex: digits) != nil) == (count == 64))
    }
    #expect(Digest(hex: [UInt8](repeating: UInt8(ascii: "A"), count: 64)) == nil)
  }

  @Test("Digests that differ in one bit differ")
  func differences() throws {
    let digest = try #require(Digest(bytes: bytes))
    for bit in 0..<256 {
      var other = bytes
      other[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(Digest(bytes: other) != digest)
    }
  }
}

@Suite struct HMACTests {
  struct File: Decodable {
    struct Vector: Decodable { let what, key, message, code: String }
    let vectors: [Vector]
  }

  @Test("HMAC-SHA-256 gives every published code")
  func vectors() throws {
    for vector in try VectorFile.load("hmac-sha256", as: File.self).vectors {
      let key = try #require(Hex.decode(vector.key.utf8))
      let message = try #require(Hex.decode(vector.message.utf8))
      #expect(HMAC.sha256(message, key: key).hex == vector.code, "\(vector.what)")
    }
  }
}

@Suite struct Ed25519Tests {
  struct File: Decodable {
    struct Vector: Decodable {
      let what, seed, message, signature: String
      let publicKey: String

      enum CodingKeys: String, CodingKey {
        case what, seed, message, signature
        case publicKey = "public_key"
      }
    }
    let vectors: [Vector]
  }

  @Test("Seeds give the published keys, and the keys the published signatures")
  func vectors() throws {
    for vector in try VectorFile.load("ed25519", as: File.self).vectors {
      let key = try #require(Ed25519.SigningKey(seed: Hex.decode(vector.seed.utf8) ?? []))
      let message = try #require(Hex.decode(vector.message.utf8))
      let signature = key.signature(of: message)
      #expect(Hex.encode(key.publicKey.bytes) == vector.publicKey, "\(vector.what)")
      #expect(Hex.encode(signature) == vector.signature, "\(vector.what)")
      #expect(key.publicKey.accepts(signature, of: message))
    }
  }

  @Test("A flipped bit of signature, message or key is noticed")
  func flips() throws {
    let key = try #require(Ed25519.SigningKey(seed: [UInt8](0..<32)))
    let message: [UInt8] = [1, 2, 3]
    let signature = key.signature(of: message)
    for bit in 0..<512 {
      var other = signature
      other[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(!key.publicKey.accepts(other, of: message), "bit \(bit) of the signature")
    }
    for bit in 0..<256 {
      var bytes = key.publicKey.bytes
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      let other = try #require(Ed25519.PublicKey(bytes: bytes))
      #expect(!other.accepts(signature, of: message), "bit \(bit) of the key")
    }
    for bit in 0..<24 {
      var other = message
      other[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(!key.publicKey.accepts(signature, of: other), "bit \(bit) of the message")
    }
  }

  @Test("Seeds, keys and signatures of other lengths are refused")
  func lengths() throws {
    let key = try #require(Ed25519.SigningKey(seed: [UInt8](0..<32)))
    let signature = key.signature(of: [])
    for count in 0..<70 {
      let bytes = [UInt8](repeating: 1, count: count)
      #expect((Ed25519.SigningKey(seed: bytes) != nil) == (count == 32))
      #expect((Ed25519.PublicKey(bytes: bytes) != nil) == (count == 32))
      let cut = Array((signature + signature).prefix(count))
      #expect(key.publicKey.accepts(cut, of: []) == (count == 64))
    }
  }

  @Test("A signing key that is printed or dumped shows no seed")
  func secrecy() throws {
    let key = try #require(Ed25519.SigningKey(seed: [UInt8](repeating: 222, count: 32)))
    var dumped = ""
    dump(key, to: &dumped)
    for text in ["\(key)", String(reflecting: key), dumped] {
      #expect(!text.contains("222") && !text.contains("seed"))
    }
  }
}

@Suite struct AESGCMTests {
  struct File: Decodable {
    struct Vector: Decodable {
      let what, key, nonce, text, sealed: String
      let associatedData: String

      enum CodingKeys: String, CodingKey {
        case what, key, nonce, text, sealed
        case associatedData = "associated_data"
      }
    }
    let vectors: [Vector]
  }

  @Test("AES-256-GCM seals as published, and opens what it sealed")
  func vectors() throws {
    for vector in try VectorFile.load("aes-256-gcm", as: File.self).vectors {
      let key = try #require(Hex.decode(vector.key.utf8))
      let nonce = try #require(Hex.decode(vector.nonce.utf8))
      let data = try #require(Hex.decode(vector.associatedData.utf8))
      let text = try #require(Hex.decode(vector.text.utf8))
      let sealed = AESGCM.seal(text, key: key, nonce: nonce, associatedData: data)
      #expect(Hex.encode(sealed) == vector.sealed, "\(vector.what)")
      #expect(AESGCM.open(sealed, key: key, nonce: nonce, associatedData: data) == text)
    }
  }

  @Test("A flipped bit of the sealed text, the key, the nonce or the data keeps it shut")
  func flips() {
    let parts: [[UInt8]] = [
      AESGCM.seal(
        Array("+15551234567".utf8), key: [UInt8](0..<32), nonce: [UInt8](0..<12),
        associatedData: [1, 2, 3]),
      [UInt8](0..<32), [UInt8](0..<12), [1, 2, 3],
    ]
    func open(_ parts: [[UInt8]]) -> [UInt8]? {
      AESGCM.open(parts[0], key: parts[1], nonce: parts[2], associatedData: parts[3])
    }
    #expect(open(parts) == Array("+15551234567".utf8))
    for part in parts.indices {
      for bit in 0..<parts[part].count * 8 {
        var other = parts
        other[part][bit / 8] ^= 1 << UInt8(bit % 8)
        #expect(open(other) == nil, "part \(part), bit \(bit)")
      }
    }
    for count in 0..<parts[0].count {
      #expect(open([Array(parts[0].prefix(count))] + parts[1...]) == nil, "cut to \(count)")
    }
    #expect(open(parts[..<3] + [[]]) == nil)
  }

  @Test("A key or nonce of another length is our own mistake, and stops the program")
  func lengths() async {
    await #expect(processExitsWith: .failure) {
      _ = AESGCM.seal([], key: [1], nonce: [UInt8](0..<12), associatedData: [])
    }
    await #expect(processExitsWith: .failure) {
      _ = AESGCM.open(
        [UInt8](0..<16), key: [UInt8](0..<32), nonce: [1], associatedData: [])
    }
  }
}
