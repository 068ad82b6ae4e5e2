-- The configuration that `vim.lsp.enable('tagout')` takes. Change what you like by `vim.lsp.config('tagout', { … })`;
-- which program is started is `vim.g.tagout.command`, so that what is wrong with it can be said.

---@type vim.lsp.Config
return {
  cmd = function(dispatchers, config) return require('tagout.server').start(dispatchers, config) end,
  root_markers = { '.tagout.toml', '.git' },
  -- A file that is in no folder of these has no server; `:Tagout open` gives it one.
  root_dir = function(buffer, on_dir)
    local server = require('tagout.server')
    local folder = server.folder_of(buffer)
    if folder and server.may_start(folder) then on_dir(folder) end
  end,
  capabilities = { experimental = { tagout = { overview = true } } },
  handlers = {
    ['window/showMessage'] = function(_, params) require('tagout.messages').receive(params) end,
    ['tagout/overviewChanged'] = function(_, _, context) require('tagout.overview').changed(context.client_id) end,
  },
}
