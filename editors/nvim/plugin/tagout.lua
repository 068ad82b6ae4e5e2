-- Defines the command `:Tagout` and enables the server. Nothing is loaded before it is used.
if vim.g.loaded_tagout then return end
vim.g.loaded_tagout = true

if vim.fn.has('nvim-0.11') == 0 then
  vim.api.nvim_echo({ { 'tagout: this plugin needs Neovim 0.11 or later', 'WarningMsg' } }, true, {})
  return
end

vim.api.nvim_create_user_command('Tagout', function(call) require('tagout.command').run(call) end, {
  nargs = '*',
  desc = 'review, run, undo and whatever else tagout does; see :help tagout',
  complete = function(lead, line, column) return require('tagout.command').complete(lead, line, column) end,
})

local group = vim.api.nvim_create_augroup('tagout', {})

-- What init.lua sets counts, whichever of the two is read first, so it is looked at when a file is opened.
local function is_wanted()
  local settings = vim.g.tagout
  return type(settings) ~= 'table' or settings.enable ~= false
end

-- `vim.lsp` itself takes longer to load than all of this, so it is left alone until there is a file.
vim.api.nvim_create_autocmd('FileType', {
  group = group,
  once = true,
  callback = function(event)
    if not is_wanted() then return end
    vim.lsp.enable('tagout')
    -- The event that is under way does not reach what was only just enabled.
    if vim.v.vim_did_enter == 0 then
      pcall(vim.api.nvim_exec_autocmds, 'FileType', { group = 'nvim.lsp.enable', buffer = event.buf, modeline = false })
    end
  end,
})

vim.api.nvim_create_autocmd('LspAttach', {
  group = group,
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == 'tagout' then require('tagout.overview').attach(client, event.buf) end
  end,
})

vim.api.nvim_create_autocmd('BufReadCmd', {
  group = group,
  pattern = 'tagout:/*',
  callback = function(event) require('tagout.content').read(event.buf) end,
})
