/**
 * SCRAM exchanges that we did not compute ourselves. The first is the example of RFC 7677 §3; the
 * others were recorded between Kafka 3.9.1's Java client and broker (SASL_PLAINTEXT, users stored with
 * `kafka-configs`), without the Kafka frames around the tokens.
 */
export const goldenExchanges = [
  {
    name: 'RFC 7677',
    mechanism: 'SCRAM-SHA-256',
    username: 'user',
    password: 'pencil',
    clientNonce: 'rOprNGfwEbeRWgbNEkqO',
    serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
    salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
    iterations: 4096,
    clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
    serverFirst:
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    clientFinal:
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  },
  {
    name: 'Kafka 3.9.1, SHA-256',
    mechanism: 'SCRAM-SHA-256',
    username: 'bob',
    password: 'bob-secret',
    clientNonce: 'i5dcunyorgt70dask5one9rc3',
    serverNonce: '1h4s9luvoounz7tnodf985vaba',
    salt: 'c3JhOXNjYXhrdTd4bm1ucmpjbHo4NjlzOA==',
    iterations: 4096,
    clientFirst: 'n,,n=bob,r=i5dcunyorgt70dask5one9rc3',
    serverFirst:
      'r=i5dcunyorgt70dask5one9rc31h4s9luvoounz7tnodf985vaba,s=c3JhOXNjYXhrdTd4bm1ucmpjbHo4NjlzOA==,i=4096',
    clientFinal:
      'c=biws,r=i5dcunyorgt70dask5one9rc31h4s9luvoounz7tnodf985vaba,p=GwtR/03MkxTTltTLxuXZd4IGFBvMgUlwtxlFi1E71nA=',
    serverFinal: 'v=p9sR+QcFUI3LQDxKULFZsuaAp6O/5d8UDoy2QFBp+XQ=',
  },
  {
    name: 'Kafka 3.9.1, SHA-512, 8192 iterations',
    mechanism: 'SCRAM-SHA-512',
    username: 'bob',
    password: 'bob-secret',
    clientNonce: 'iwjwmo1ynj6pze1rsqjacgbhs',
    serverNonce: 'hm1ptmmzwjzwotium7jxnk6so',
    salt: 'dnJoeTI5MTl5bzdvODYzaHhwdnE3bnNyaw==',
    iterations: 8192,
    clientFirst: 'n,,n=bob,r=iwjwmo1ynj6pze1rsqjacgbhs',
    serverFirst:
      'r=iwjwmo1ynj6pze1rsqjacgbhshm1ptmmzwjzwotium7jxnk6so,s=dnJoeTI5MTl5bzdvODYzaHhwdnE3bnNyaw==,i=8192',
    clientFinal:
      'c=biws,r=iwjwmo1ynj6pze1rsqjacgbhshm1ptmmzwjzwotium7jxnk6so,p=v1P5K5cjJgB76eJuPDxjQxhcimdimsm1YspRjsov+ETxqwk/JnEWjQOwCsTULL74VjGC8fnxDmuicOFIa3Q52A==',
    serverFinal:
      'v=scv1eHa7hsZGCqpUCujEhq7JzbT7oKE3ZpNrvRs89CXSe+XqY00N7TUhhinP+ite+TgraMax6Xpu4MFGMywYYw==',
  },
  {
    // SASLprep would turn the U+00AA of this password into an `a`: Kafka does not.
    name: 'Kafka 3.9.1, SHA-512, separators in the name, a password that SASLprep would change',
    mechanism: 'SCRAM-SHA-512',
    username: 'c,=d',
    password: 'ßé€ª!',
    clientNonce: '1dybaf88u8fucccbokid6afx7o',
    serverNonce: '16gkaei4ofdgyb85ly6j3dyh8n',
    salt: 'eWR2eTdsdHgycXJ0cm15cnpjZzlnNnQ3MA==',
    iterations: 4096,
    clientFirst: 'n,,n=c=2C=3Dd,r=1dybaf88u8fucccbokid6afx7o',
    serverFirst:
      'r=1dybaf88u8fucccbokid6afx7o16gkaei4ofdgyb85ly6j3dyh8n,s=eWR2eTdsdHgycXJ0cm15cnpjZzlnNnQ3MA==,i=4096',
    clientFinal:
      'c=biws,r=1dybaf88u8fucccbokid6afx7o16gkaei4ofdgyb85ly6j3dyh8n,p=PDloGUrR7klPXQsDY5cX1Kqad7M0WN1Ueriwsnxb+McTW9ODxlKYKFq4hju8iM6gCD4VbumxkCVGqOTVPq8pTg==',
    serverFinal:
      'v=FUp1cAonC1dqEKy3kUTNhvJ6DomeQFf8EXXkyQV3KiUlSk77M8jf/hFYGMzUjudY8Ezmv1JVpnqOczTWKqLzqQ==',
  },
] as const
