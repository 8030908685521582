"""A stand-in for a city's content management systems, with a demo city of its own.

It speaks the two interfaces that the crawl reads, and nothing of it is needed in production:

``GET /befi/services/list``
    ``{"ids": [{"id": "1001"}, …]}``
``GET /befi/services/{id}/description/``
    id, name, description (HTML), ``fields`` [{id: sf1…sf24, name, label, type: TEXT, value: HTML} or
    {…, type: LINK, values: [{label, uri}]}], ``categryPath`` {name, nextLevel}, synonyms, publicUrl, public,
    lastModification (RFC 3339). Online services are the LINK field named ONLINE_SERVICE. Beyond the peers'
    interface: language, nameEnglish, easyLanguage (bool), leika, and
    ``offices`` [{id, name, address, hours: [line, …], phone, email, access}].
``GET /magnolia/.rest/delivery/InfoArticleEndpoint?offset=N``
    100 nodes a page whatever is asked: total, offset, limit, ``results`` [{@id, @name, title, summary, urlTitle,
    hideArticle, mgnl:lastModified, blocks: {"@nodes": ["0", …], "0": {headline, text (HTML)}}}].

Both answer with ETag and Last-Modified, and 304 to a conditional request. ``/services/{id}`` is the page
as citizens read it, ``/_stand-in/`` changes pages and switches faults on (infra/cms/control.py).
"""
