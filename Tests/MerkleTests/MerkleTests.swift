import Bytes
import Merkle
import Testing

@Suite struct MerkleTests {
  @Test("The example key of C2SP signed-note reads and writes itself")
  func verifierKey() throws {
    let text = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    let key = try #require(VerifierKey(text: text.utf8))
    #expect(key.name == "example.com/foo")
    #expect(key.text == text)
  }
}
