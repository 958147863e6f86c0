import Bytes
import Testing

@Suite struct CryptographyTests {
  @Test("The checksum of the nine digits is the published one, by every kernel")
  func checksum() {
    let digits = Array("123456789".utf8)
    var crc = CRC32C()
    crc.update(digits)
    #expect(crc.value == 0xE306_9283)
    for kernel in CRC32C.Kernel.allCases where kernel.isAvailable {
      var crc = CRC32C()
      unsafe crc.update(digits.span.bytes, with: kernel)
      #expect(crc.value == 0xE306_9283)
    }
  }

  @Test("SHA-256 of nothing and of abc are the published ones, and a hasher serves twice")
  func sha256() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    #expect(SHA256.hash([]).hex == empty)
    #expect(SHA256.hash(Array("abc".utf8)).hex == abc)
    var hasher = SHA256Hasher()
    for _ in 0..<2 {
      for byte in "abc".utf8 { hasher.update(byte) }
      #expect(hasher.finish().hex == abc)
      #expect(hasher.finish().hex == empty)
    }
    #expect(Digest(hex: abc.utf8)?.bytes == Hex.decode(abc.utf8))
  }

  @Test("What is sealed opens with the same key, nonce and data, and with no other")
  func sealing() {
    let key = [UInt8](repeating: 7, count: 32)
    let nonce = [UInt8](repeating: 9, count: 12)
    for text in [[], Array("hello".utf8)] {
      var sealed = AESGCM.seal(text, key: key, nonce: nonce, associatedData: [1])
      #expect(sealed.count == text.count + 16)
      #expect(AESGCM.open(sealed, key: key, nonce: nonce, associatedData: [1]) == text)
      #expect(AESGCM.open(sealed, key: key, nonce: nonce, associatedData: []) == nil)
      sealed[0] ^= 1
      #expect(AESGCM.open(sealed, key: key, nonce: nonce, associatedData: [1]) == nil)
    }
  }

  @Test("A signature is accepted for its message and for no other")
  func signing() throws {
    let key = try #require(Ed25519.SigningKey(seed: [UInt8](0..<32)))
    let signature = key.signature(of: [1, 2, 3])
    #expect(key.publicKey.accepts(signature, of: [1, 2, 3]))
    #expect(!key.publicKey.accepts(signature, of: [1, 2]))
    #expect("\(key)" == "Bytes.Ed25519.SigningKey")
  }

  @Test("HMAC-SHA-256 gives the codes of RFC 4231")
  func hmac() {
    #expect(
      HMAC.sha256(Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8)).hex
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(
      HMAC.sha256([], key: []).hex
        == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
  }
}
