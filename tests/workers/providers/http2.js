// An HTTP/2 server over TLS that misbehaves by path: node http2.js CERT KEY; prints its port.
const http2 = require('http2')
const fs = require('fs')

let sessions = 0
const asked = {}
const server = http2.createSecureServer({ cert: fs.readFileSync(process.argv[2]), key: fs.readFileSync(process.argv[3]) })
server.on('session', () => sessions++)
server.on('sessionError', () => {})

const acts = {
  '/ok': s => { s.respond({ ':status': 200 }); s.end('{}') },
  '/slow': s => setTimeout(() => { if (!s.destroyed) { s.respond({ ':status': 200 }); s.end('{}') } }, 50),
  '/later': s => { s.respond({ ':status': 429, 'retry-after': '7' }); s.end() },
  '/refuse': s => s.close(http2.constants.NGHTTP2_REFUSED_STREAM),
  '/reset': s => s.close(http2.constants.NGHTTP2_INTERNAL_ERROR),
  '/half': s => { s.respond({ ':status': 200, 'content-length': 99 }); s.write('{"id"'); setTimeout(() => s.close(http2.constants.NGHTTP2_CANCEL), 20) },
  '/goaway': s => { s.session.goaway(); s.session.destroy() },
  '/hang': () => {},
  '/flood': s => { s.respond({ ':status': 200 }); const more = () => { while (!s.destroyed && s.write('x'.repeat(4096))); }; s.on('drain', more); more() },
  '/seen': s => { s.respond({ ':status': 200 }); s.end(JSON.stringify({ sessions, asked })) }
}
server.on('stream', (s, headers) => {
  const path = headers[':path']
  s.on('error', () => {})
  asked[path] = (asked[path] || 0) + 1
  s.resume()
  s.on('end', () => acts[path](s))
})
process.stdin.on('end', () => process.exit(0)).resume() // the test is gone
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
